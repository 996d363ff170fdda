package api

import (
	"context"
	"net/http"

	"github.com/pealhq/peal"
)

// EncryptionKeeper holds the keys that seal secrets at rest.
type EncryptionKeeper interface {
	Encryption() Encryption
	// Rotate begins to seal everything anew. Conflict while it does already, and when
	// there is no newer key.
	Rotate(ctx context.Context) (Encryption, error)
}

// What becomes of a change of the encryption key.
const (
	EncryptionIdle    = "idle"
	EncryptionRunning = "running"
	EncryptionFailed  = "failed"
)

// Encryption is how secrets at rest are sealed.
type Encryption struct {
	KeyID       string
	OlderKeyIDs []string
	FromFile    bool
	Status      string
	Resealed    int
	Error       string
}

type encryptionShape struct {
	KeyID       string   `json:"key_id" doc:"Names the key that seals, without saying anything about it."`
	OlderKeyIDs []string `json:"older_key_ids" nullable:"false" doc:"Keys that some secrets may still be sealed with."`
	FromFile    bool     `json:"from_file" doc:"Whether the key is that of the data directory, which Peal replaces itself, or one of the configuration."`
	Status      string   `json:"status" enum:"idle,running,failed" doc:"Whether secrets are being sealed anew."`
	Resealed    int      `json:"resealed" doc:"How many secrets the last change has sealed anew so far."`
	Error       *string  `json:"error" doc:"Why it failed; null unless it did."`
}

func encryptionOf(e Encryption) encryptionShape {
	shape := encryptionShape{
		KeyID: e.KeyID, OlderKeyIDs: e.OlderKeyIDs, FromFile: e.FromFile, Status: e.Status, Resealed: e.Resealed, Error: textOrNil(e.Error),
	}
	if shape.OlderKeyIDs == nil {
		shape.OlderKeyIDs = []string{}
	}
	return shape
}

func (a *API) encryptionRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/encryption", id: "get-encryption", tag: "Keys", access: oversee,
		summary: "Show with which key secrets are sealed at rest",
		answers: ok("The keys by their ids, and how far a change is.", encryptionShape{}), errors: []kind{conflict}, handle: a.getEncryption,
	}, {
		method: http.MethodPost, path: "/v1/encryption/rotate", id: "rotate-encryption", tag: "Keys", access: operate, audit: "encryption.rotate", body: nothing{}, bodyOptional: true,
		summary: "Seal all secrets at rest with a new key",
		description: "It happens in small steps while everything goes on, and also goes on after a restart; secrets of both keys can be read meanwhile. " +
			"The key file of the data directory gets a new random key, and loses the old one at the end. Of configured keys, the first one is the new one.",
		answers: []answer{{status: http.StatusAccepted, doc: "It has begun.", body: encryptionShape{}}},
		errors:  []kind{conflict}, handle: a.rotateEncryption,
	}}
}

var noKeeper = peal.Errorf(peal.Conflict, "this server seals no secrets")

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
