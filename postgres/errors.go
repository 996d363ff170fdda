package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// retryAfter is when to try again what the database cannot do now.
const retryAfter = time.Second

// errUnanswered is the end of a limited context.
var errUnanswered = errors.New("it has not answered in time")

func errClosed() error {
	return peal.Fail(peal.Unavailable, message.StoreClosed).RetryIn(retryAfter)
}

// transactionTimeout is a state of PostgreSQL 17 and later.
const transactionTimeout = "25P04"

// stateOf returns the server's SQLSTATE (PostgreSQL documentation, appendix A), or ""
// when err is not the server's.
func stateOf(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// hasCollided reports whether a transaction got in another's way and nothing of it
// has happened: doing it again is right.
func hasCollided(err error) bool {
	switch stateOf(err) {
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected,
		pgerrcode.UniqueViolation,  // two created the same: the next look finds it
		pgerrcode.LockNotAvailable: // in time
		return true
	}
	return false
}

// isLost reports whether the connection to the server was lost or could not be had,
// so that nobody knows whether what was asked has happened.
func isLost(err error) bool {
	if err == nil {
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.Is(err, errUnanswered), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &network), strings.Contains(err.Error(), "conn closed"), strings.Contains(err.Error(), "closed pool"), strings.Contains(err.Error(), "unexpected message"):
		return true
	}
	state := stateOf(err)
	return pgerrcode.IsConnectionException(state) || pgerrcode.IsOperatorIntervention(state) && state != pgerrcode.QueryCanceled ||
		state == pgerrcode.StatementCompletionUnknown
}

// reasonOf returns, as a clause, the reason why the database is temporarily unable to work; "" for any
// other error.
func reasonOf(err error) string {
	state := stateOf(err)
	switch {
	case state == pgerrcode.DiskFull:
		return "the disk of the database is full"
	case state == pgerrcode.TooManyConnections:
		return "the database has too many connections: raise its max_connections, or put a pooler before it"
	case pgerrcode.IsInsufficientResources(state):
		return "the database is out of memory or other resources"
	case state == pgerrcode.ReadOnlySQLTransaction, strings.Contains(err.Error(), "read only connection"): // pgconn's text for a server without target_session_attrs
		return "the database is read-only: it is a standby, or not yet promoted"
	case state == pgerrcode.QueryCanceled:
		return "a statement took longer than the database's statement_timeout"
	case errors.Is(err, errUnanswered):
		return "the database does not answer"
	case state == pgerrcode.IdleInTransactionSessionTimeout, state == transactionTimeout:
		return "a transaction took longer than the database allows"
	case state == pgerrcode.IOError, state == pgerrcode.SystemError:
		return "the database has trouble with its disk"
	case hasCollided(err):
		return "too many changes met in the database"
	case isLost(err):
		return "the database cannot be reached"
	}
	return ""
}

// translate returns the error of a method: a *peal.Error or a context's error.
func translate(verb string, err error) error {
	var known *peal.Error
	if err == nil || err == peal.ErrStaleRoutes || err == peal.ErrFenced {
		return err
	}
	if errors.As(err, &known) {
		return known
	}
	// A connection that cannot be made reports the end of the context it was made in.
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	if reason := reasonOf(err); reason != "" {
		return peal.Fail(peal.Unavailable, message.StoreTrouble, reason, verb).RetryIn(retryAfter).Because(withoutSecrets(err))
	}
	return &peal.Error{Code: peal.Internal, Message: "the database failed to " + verb, Err: withoutSecrets(err)}
}

// plainError is the text of an error and nothing else.
type plainError string

func (e plainError) Error() string { return string(e) }

// withoutSecrets returns an error without connection settings in its chain: they contain the password.
func withoutSecrets(err error) error {
	var connect *pgconn.ConnectError
	var parse *pgconn.ParseConfigError
	if errors.As(err, &connect) || errors.As(err, &parse) {
		return plainError(err.Error())
	}
	return err
}

// tries is the number of attempts at a change that collides with others.
const tries = 8

// retry runs a change until it has not collided, at most tries times. A partition
// that is missing is made between, and a standby's connections are left.
func (s *Store) retry(ctx context.Context, run func() error) error {
	var err error
	for try := range tries {
		if err = run(); err == nil {
			return nil
		}
		switch {
		case hasCollided(err):
			if try > 1 {
				if wait(ctx, time.Duration(try)*5*time.Millisecond) != nil {
					return err
				}
			}
		case stateOf(err) == pgerrcode.ReadOnlySQLTransaction:
			s.pool.Reset()
			return err
		default:
			return err
		}
	}
	return err
}

// wait waits for a duration, or returns the context's error if that ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
