package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// How long sessions and portal links are remembered once they have ended, and how
// many of those that are forgotten go with a new one.
const (
	endedLife  = 30 * 24 * time.Hour
	endedBatch = 100
)

const selectSession = `SELECT s.id, s.kind, s.hash, s.user, s.link, s.name, ifnull(n.name, ''), s.role, s.expires, s.revoked, s.address, s.agent
	FROM sessions s LEFT JOIN tenants n ON n.num = s.tenant`

func scanSession(r row) peal.Session {
	session := peal.Session{
		ID: peal.SessionID(r.blob(0)), Kind: peal.SessionKind(r.text(1)), Name: r.text(5), Tenant: r.text(6), Role: peal.Role(r.text(7)),
		ExpiresAt: timeOf(r.int(8)), RevokedAt: timeOf(r.int(9)), Address: r.text(10), Agent: r.text(11),
	}
	copy(session.Hash[:], r.blob(2))
	copy(session.UserID[:], r.blob(3))
	copy(session.PortalLinkID[:], r.blob(4))
	return session
}

// orNoID is an id as a column's value, NULL for none.
func orNoID(none bool, id []byte) any {
	if none {
		return nil
	}
	return id
}

// CreateSession implements [peal.IdentityStore].
func (s *Store) CreateSession(ctx context.Context, session peal.Session) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		if !session.UserID.IsZero() {
			_, found, err := w.conn.number(`SELECT 1 FROM users WHERE id = ?`, session.UserID[:])
			if err != nil {
				return err
			}
			if !found {
				return refuse(noUser())
			}
		}
		return s.addSession(w, &session)
	}})
	return translate("create a session", err)
}

func (s *Store) addSession(w *writer, session *peal.Session) error {
	forget := micros(session.CreatedAt().Add(-endedLife))
	for _, ended := range []string{`expires < ?`, `revoked < ?`} {
		if _, err := w.conn.exec(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE `+ended+` LIMIT +?)`, forget, int64(endedBatch)); err != nil {
			return err
		}
	}
	tenant, err := w.tenantOrNull(session.Tenant, session.CreatedAt())
	if err != nil {
		return err
	}
	num, _ := tenant.(int64)
	if err := s.roomForSession(w, session, num); err != nil {
		return err
	}
	_, err = w.conn.exec(`INSERT INTO sessions (id, kind, hash, user, link, name, tenant, role, expires, revoked, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		session.ID[:], string(session.Kind), session.Hash[:], orNoID(session.UserID.IsZero(), session.UserID[:]), orNoID(session.PortalLinkID.IsZero(), session.PortalLinkID[:]),
		session.Name, tenant, string(session.Role), micros(session.ExpiresAt), orNoTime(session.RevokedAt), session.Address, session.Agent)
	return err
}

// SessionByHash implements [peal.IdentityStore].
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (peal.Session, error) {
	var session peal.Session
	found := false
	err := s.query(ctx, selectSession+` WHERE s.hash = ? AND s.revoked IS NULL AND s.expires > ? AND coalesce(n.deleting, 0) = 0`, func(r row) error {
		session, found = scanSession(r), true
		return nil
	}, hash[:], micros(now))
	if err == nil && !found {
		err = peal.Errorf(peal.NotFound, "there is no such session")
	}
	return session, translate("read a session", err)
}

// Sessions implements [peal.IdentityStore].
func (s *Store) Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error) {
	var c conditions
	c.ofTenant("s.tenant", query.Tenant)
	if !query.UserID.IsZero() {
		c.add("s.user = ?", query.UserID[:])
	}
	c.before("s.id", query.Before.IsZero(), query.Before[:])
	var sessions []peal.Session
	err := s.query(ctx, selectSession+c.text+` ORDER BY s.id DESC LIMIT +?`, func(r row) error {
		sessions = append(sessions, scanSession(r))
		return nil
	}, append(c.values, int64(query.Limit))...)
	return sessions, translate("list sessions", err)
}

// RevokeSession implements [peal.IdentityStore].
func (s *Store) RevokeSession(ctx context.Context, tenant string, id peal.SessionID, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`UPDATE sessions SET revoked = ifnull(revoked, ?)
			WHERE id = ? AND (?3 = '' OR tenant = (SELECT num FROM tenants WHERE name = ?3))`, micros(at), id[:], tenant)
		if err == nil && n == 0 {
			return refusef(peal.NotFound, "there is no such session")
		}
		return err
	}})
	return translate("revoke a session", err)
}

// RevokeSessions implements [peal.IdentityStore].
func (s *Store) RevokeSessions(ctx context.Context, user peal.UserID, at time.Time) (int, error) {
	var revoked int64
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) (err error) {
		revoked, err = w.revokeSessions(user, at)
		return err
	}})
	return int(revoked), translate("revoke sessions", err)
}

func (w *writer) revokeSessions(user peal.UserID, at time.Time) (int64, error) {
	return w.conn.exec(`UPDATE sessions SET revoked = ?1 WHERE user = ?2 AND revoked IS NULL AND expires > ?1`, micros(at), user[:])
}
