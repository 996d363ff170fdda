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

// sealStore is the part of the store that seals secrets with the current key.
type sealStore interface {
	Reseal(ctx context.Context, limit int) (int, error)
}

// encryption holds the keys that encrypt secrets at rest, and rotates them.
type encryption struct {
	store  sealStore
	sealer *secret.Sealer
	log    *slog.Logger
	file   string // holds the keys; "" if they are in the configuration
	shared bool   // whether other nodes with their own key files may use the database

	mu      sync.Mutex
	current secret.Key // encrypts
	older   []secret.Key
	state   api.Encryption
	wake    wake.Signal
}

var _ api.EncryptionKeeper = (*encryption)(nil)

// openEncryption reads the keys from the configuration or the data directory. It creates a key for
// a new database if the database is a file; otherwise other nodes need the same key.
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
		return nil, peal.Invalidf("encryption_key", "is missing; all nodes of a PostgreSQL database share one key: create it with openssl rand -base64 32, and set PEAL_ENCRYPTION_KEY on each")
	}
	if isEmpty(database) && exists(e.file) {
		return nil, peal.Invalidf("database", "%s is empty (0 bytes), but the encryption key %s shows that there was a database; restore it from a backup, or remove the empty file to start with an empty database", database, e.file)
	}
	if exists(database) && !isEmpty(database) && !exists(e.file) {
		// A new key could not decrypt the secrets that the lost one encrypted.
		return nil, peal.Errorf(peal.Unavailable, "%s is missing, which encrypts the secrets in %s; restore it, or set PEAL_ENCRYPTION_KEY", e.file, database)
	}
	keys, created, err := secret.LoadOrCreateKeys(e.file)
	if created {
		e.log.Info("created the key that encrypts secrets; keep a copy of it apart from the backups of the database",
			"file", e.file)
	}
	return keys, err
}

// parseKeys parses encryption keys in the notation of the configuration.
func parseKeys(text string) ([]secret.Key, error) {
	keys, err := secret.ParseKeys(text)
	if err != nil {
		return nil, peal.Invalidf("encryption_key", "is not a valid key: %s", err)
	}
	return keys, nil
}

// Encryption returns the ids of the keys and the progress of a rotation.
func (e *encryption) Encryption() api.Encryption {
	e.mu.Lock()
	defer e.mu.Unlock()
	state := e.state
	ids := e.sealer.KeyIDs()
	state.KeyID, state.OlderKeyIDs = ids[0], ids[1:1+len(e.older)]
	return state
}

// Rotate starts or continues to encrypt all secrets with a new key. A key in the data directory is
// replaced by a random one; with configured keys, the first one is the new one.
func (e *encryption) Rotate(context.Context) (api.Encryption, error) {
	if err := e.startRotation(); err != nil {
		return api.Encryption{}, err
	}
	e.wake.Send()
	return e.Encryption(), nil
}

func (e *encryption) startRotation() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.state.Status == api.EncryptionRunning:
		return peal.Errorf(peal.Conflict, "the secrets are already being encrypted again")
	case len(e.older) > 0: // continue an earlier rotation
	case e.file == "":
		return peal.Errorf(peal.Conflict, "the encryption key comes from the configuration; put a new one before it, separated by a comma, restart every node, and try again")
	case e.shared:
		return peal.Errorf(peal.Conflict, "other nodes with their own key files may use the database; put a new line with a new key before the old one in encryption.key of every node, restart them, and try again")
	default:
		next := secret.NewKey()
		// Write the file first: after a crash, the new key must be available for the secrets that
		// it encrypted.
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

// resealBatch is the number of secrets that one transaction encrypts again. It takes the writer
// some milliseconds.
const resealBatch = 100

// run performs the rotations that Rotate starts, until ctx ends. It first continues the rotation of
// an earlier process.
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
			return // the next start continues
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

// forgetOlder removes the older keys from the key file, because no secret needs them any more. They
// stay in memory for readers with earlier rows.
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
		e.log.Error("secrets cannot be encrypted again; repair the cause and rotate again", "error", err)
		return
	}
	e.log.Info("all secrets are encrypted with the current key", "encrypted_again", e.state.Resealed)
}
