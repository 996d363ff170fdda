package client

import "encoding/base64"

// Bytes returns the part of the body that was kept, text or not.
func (r AttemptResponse) Bytes() []byte { return bodyBytes(r.Body, r.BodyBase64) }

// Bytes returns the body, text or not.
func (r PreviewedRequest) Bytes() []byte { return bodyBytes(r.Body, r.BodyBase64) }

// bodyBytes returns a body that is either text or Base64; nil for Base64 that is not valid.
func bodyBytes(text, encoded string) []byte {
	if encoded == "" {
		return []byte(text)
	}
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return body
}
