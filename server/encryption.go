package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/internal/wake"
)

// encryption holds the keys that seal secrets at rest, and brings everything from one
// key to the next.
type encryption struct {
	store  peal.SealStore
	sealer *secret.Sealer
	log    *slog.Logger
	file   string // that holds the keys; "" when the configuration brings them
	shared bool   // whether other nodes may use the database, with key files of their own

	mu      sync.Mutex
	current secret.Key // seals
	older   []secret.Key
	state   api.Encryption
	wake    wake.Signal
}

var _ api.EncryptionKeeper = (*encryption)(nil)

// openEncryption reads the keys: those of the configuration, or those in the data
// directory, where it makes one for a new database. Without a file as the database,
// other nodes need the same keys, so that none is made.
func openEncryption(options Options, database string, log *slog.Logger) (*encryption, error) {
	e := &encryption{log: log, shared: database == "", wake: wake.New()}
	keys, err := parseKeys(options.EncryptionKey)
	if options.EncryptionKey == "" {
		e.file = options.keyFile()
		keys, err = e.readFile(database)
	}
	if err != nil {
		return nil, err
	}
	if e.sealer, err = secret.NewSealer(keys...); err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	e.current, e.older = keys[0], keys[1:]
	e.state = api.Encryption{Status: api.EncryptionIdle, FromFile: e.file != ""}
	return e, nil
}

func (e *encryption) readFile(database string) ([]secret.Key, error) {
	if database == "" && !exists(e.file) {
		return nil, peal.Invalidf("encryption_key", "is missing: all nodes of a PostgreSQL database seal secrets with one key; make it with openssl rand -base64 32, and set PEAL_ENCRYPTION_KEY on each")
	}
	if isEmpty(database) && exists(e.file) {
		return nil, peal.Invalidf("database", "%s is empty (0 bytes), but the encryption key %s shows that a database was there: restore it from a backup, or remove the empty file to start with an empty database", database, e.file)
	}
	if exists(database) && !isEmpty(database) && !exists(e.file) {
		// A new key would not open what the lost one has sealed.
		return nil, peal.Errorf(peal.Unavailable, "%s is missing, with which the secrets in %s are sealed: restore it, or set PEAL_ENCRYPTION_KEY", e.file, database)
	}
	keys, created, err := secret.LoadOrCreateKeys(e.file)
	if created {
		e.log.Info("made the key that seals secrets; keep a copy of it apart from the backups of the database", "file", e.file)
	}
	return keys, err
}

// parseKeys reads encryption keys as an operator writes them.
func parseKeys(text string) ([]secret.Key, error) {
	keys, err := secret.ParseKeys(text)
	if err != nil {
		return nil, peal.Invalidf("encryption_key", "is not a valid key: %s", err)
	}
	return keys, nil
}

// Encryption tells of the keys and of how far their change is.
func (e *encryption) Encryption() api.Encryption {
	e.mu.Lock()
	defer e.mu.Unlock()
	state := e.state
	ids := e.sealer.KeyIDs()
	state.KeyID, state.OlderKeyIDs = ids[0], ids[1:1+len(e.older)]
	return state
}

// Rotate begins to seal everything with a new key, or goes on with that. A key in the
// data directory is replaced by a random one; a configured one stays, and what older
// ones have sealed is sealed with it.
func (e *encryption) Rotate(context.Context) (api.Encryption, error) {
	if err := e.beginRotation(); err != nil {
		return api.Encryption{}, err
	}
	e.wake.Send()
	return e.Encryption(), nil
}

func (e *encryption) beginRotation() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.state.Status == api.EncryptionRunning:
		return peal.Errorf(peal.Conflict, "the secrets are being sealed anew already")
	case len(e.older) > 0: // goes on with what was begun
	case e.file == "":
		return peal.Errorf(peal.Conflict, "the encryption key comes from the configuration: put a new one before it, separated by a comma, restart every node, and try again")
	case e.shared:
		return peal.Errorf(peal.Conflict, "other nodes may use the database, and have key files of their own: put a new line with a new key before the old one in encryption.key of every node, restart them, and try again")
	default:
		next := secret.NewKey()
		// The file first: what the new key has sealed must open after a crash.
		if err := secret.ReplaceKeys(e.file, next, e.current); err != nil {
			return &peal.Error{Code: peal.Unavailable, Message: "the key file cannot be written; check the data directory's space and owner", Err: err}
		}
		if err := e.sealer.Use(next); err != nil {
			return err
		}
		e.current, e.older = next, []secret.Key{e.current}
	}
	e.state.Status, e.state.Resealed, e.state.Error = api.EncryptionRunning, 0, ""
	return nil
}

// resealBatch is how many secrets are sealed anew in one transaction: some milliseconds
// of the writer's time.
const resealBatch = 100

// run seals anew what Rotate asks for, until ctx ends. What a process before it has
// begun comes first.
func (e *encryption) run(ctx context.Context) {
	e.mu.Lock()
	if len(e.older) > 0 {
		e.state.Status = api.EncryptionRunning
		e.wake.Send()
	}
	e.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		}
		err := e.reseal(ctx)
		if ctx.Err() != nil {
			return // the next start goes on
		}
		e.finish(err)
	}
}

func (e *encryption) reseal(ctx context.Context) error {
	for {
		n, err := e.store.Reseal(ctx, resealBatch)
		if err != nil {
			return err
		}
		if n == 0 {
			return e.forgetOlder()
		}
		e.mu.Lock()
		e.state.Resealed += n
		e.mu.Unlock()
	}
}

// forgetOlder drops the keys that nothing needs any more from the key file. In memory
// they stay, for who still reads what was there before.
func (e *encryption) forgetOlder() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == "" || e.shared {
		return nil
	}
	if err := secret.ReplaceKeys(e.file, e.current); err != nil {
		return err
	}
	e.older = nil
	return nil
}

func (e *encryption) finish(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.Status = api.EncryptionIdle
	if err != nil {
		e.state.Status, e.state.Error = api.EncryptionFailed, err.Error()
		e.log.Error("secrets cannot be sealed anew; repair the cause and rotate again", "error", err)
		return
	}
	e.log.Info("all secrets are sealed with the present encryption key", "sealed_anew", e.state.Resealed)
}
