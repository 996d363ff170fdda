package api

import (
	"context"
	"net/http"

	"github.com/pealhq/peal"
)

// EncryptionKeeper holds the keys that encrypt secrets at rest.
type EncryptionKeeper interface {
	Encryption() Encryption
	// Rotate starts to encrypt all secrets again with the newest key. It returns Conflict while a
	// rotation is running, and if there is no newer key.
	Rotate(ctx context.Context) (Encryption, error)
}

// States of a rotation of the encryption key.
const (
	EncryptionIdle    = "idle"
	EncryptionRunning = "running"
	EncryptionFailed  = "failed"
)

// Encryption is the state of the encryption of secrets at rest.
type Encryption struct {
	KeyID       string
	OlderKeyIDs []string
	FromFile    bool
	Status      string
	Resealed    int
	Error       string
}

type encryptionShape struct {
	KeyID       string   `json:"key_id" doc:"Identifies the key that encrypts, without revealing anything about it."`
	OlderKeyIDs []string `json:"older_key_ids" nullable:"false" doc:"Keys with which some secrets may still be encrypted."`
	FromFile    bool     `json:"from_file" doc:"Whether the key is in a file of the data directory, which Peal replaces itself; otherwise it is in the configuration."`
	Status      string   `json:"status" enum:"idle,running,failed" doc:"Whether secrets are being encrypted again."`
	Resealed    int      `json:"resealed" doc:"The number of secrets that the last rotation has encrypted again so far."`
	Error       *string  `json:"error" doc:"Why the rotation failed; null otherwise."`
}

func encryptionOf(e Encryption) encryptionShape {
	shape := encryptionShape{
		KeyID: e.KeyID, OlderKeyIDs: e.OlderKeyIDs, FromFile: e.FromFile, Status: e.Status, Resealed: e.Resealed,
		Error: textOrNil(e.Error),
	}
	if shape.OlderKeyIDs == nil {
		shape.OlderKeyIDs = []string{}
	}
	return shape
}

func (a *API) encryptionRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/encryption", id: "get-encryption", tag: "Keys", access: oversee,
		summary: "Show the keys that encrypt secrets at rest",
		answers: ok("The ids of the keys, and the progress of a rotation.",
			encryptionShape{}), errors: []kind{conflict}, handle: a.getEncryption,
	}, {
		method: http.MethodPost, path: "/v1/encryption/rotate", id: "rotate-encryption", tag: "Keys", access: operate,
		audit: "encryption.rotate", body: nothing{}, bodyOptional: true,
		summary: "Encrypt all secrets at rest with a new key",
		description: "It happens in small steps while the server works, and continues after a restart; secrets of both keys can be read meanwhile. " +
			"The key file of the data directory gets a new random key, and loses the old one at the end. Of configured keys, the first one is the new one.",
		answers: []answer{{status: http.StatusAccepted, doc: "It has started.", body: encryptionShape{}}},
		errors:  []kind{conflict}, handle: a.rotateEncryption,
	}}
}

var noKeeper = peal.Errorf(peal.Conflict, "this server does not encrypt secrets")

func (a *API) getEncryption(c *call) error {
	if a.Encryption == nil {
		return noKeeper
	}
	return c.json(http.StatusOK, encryptionOf(a.Encryption.Encryption()))
}

func (a *API) rotateEncryption(c *call) error {
	if err := c.readOptional(&nothing{}); err != nil {
		return err
	}
	if a.Encryption == nil {
		return noKeeper
	}
	state, err := a.Encryption.Rotate(c.context())
	if err != nil {
		return err
	}
	return c.json(http.StatusAccepted, encryptionOf(state))
}
