package client

import "context"

// Encryption is how a server seals secrets at rest.
type Encryption struct {
	KeyID       string   `json:"key_id"`        // of the key that seals
	OlderKeyIDs []string `json:"older_key_ids"` // of keys that some secrets may still be sealed with
	// FromFile is whether the key is that of the data directory.
	FromFile bool   `json:"from_file"`
	Status   string `json:"status"`   // idle, running or failed
	Resealed int    `json:"resealed"` // secrets that the last change has sealed anew so far
	Error    string `json:"error"`    // why it failed
}

// Encryption asks with which key secrets are sealed, and how far a change of it is. For
// operators.
func (c *Client) Encryption(ctx context.Context) (Encryption, error) {
	return get[Encryption](ctx, c, "/v1/encryption", nil)
}

// RotateEncryption begins to seal all secrets at rest with a new key. For operators.
func (c *Client) RotateEncryption(ctx context.Context) (Encryption, error) {
	return post[Encryption](ctx, c, "/v1/encryption/rotate", struct{}{})
}
