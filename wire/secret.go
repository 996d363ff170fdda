package wire

import (
	"crypto/rand"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// SecretUse defines whether a format uses secrets.
type SecretUse string

// The uses of secrets.
const (
	SecretNone     SecretUse = "none"     // the format never signs and takes no secret
	SecretOptional SecretUse = "optional" // it signs when the webhook has a secret
	SecretAlways   SecretUse = "always"   // it always signs; a missing secret is created
)

// MaxSecret is the maximum length of a secret in formats that accept any text, in bytes.
const MaxSecret = 256

// NewSecret returns the secret for a webhook that is created without one: "" unless the format
// always signs.
func (f *Format) NewSecret() string {
	if f.Secrets != SecretAlways {
		return ""
	}
	return f.FreshSecret()
}

// FreshSecret creates a secret of 256 random bits in the form of the format, for a rotation or on
// request. It returns "" if the format uses none.
func (f *Format) FreshSecret() string {
	if f.Secrets == SecretNone {
		return ""
	}
	if f.MakeSecret != nil {
		return f.MakeSecret()
	}
	return rawBase64(randomBytes())
}

// CheckSecret returns an error if the format cannot sign with a secret. The error is a
// *[peal.Error] with code Invalid and the field "secret".
func (f *Format) CheckSecret(secret string) error {
	switch {
	case f.Secrets == SecretNone:
		if secret != "" {
			return peal.Fault("secret", message.SecretUnused, f.Name)
		}
		return nil
	case secret == "":
		if f.Secrets == SecretAlways {
			return peal.Fault("secret", message.SecretMissing, f.Name)
		}
		return nil
	case f.AcceptSecret != nil:
		return f.AcceptSecret(secret)
	}
	return checkTextSecret(secret)
}

// checkTextSecret checks a secret with the bytes of its text as the key. The minimum length is 1,
// so that existing receivers can keep their secrets.
func checkTextSecret(secret string) error {
	if secret == "" || len(secret) > MaxSecret {
		return peal.Fault("secret", message.BytesFromTo, 1, MaxSecret)
	}
	if !utf8.ValidString(secret) {
		return peal.Fault("secret", message.UTF8Text)
	}
	for i := range len(secret) {
		if c := secret[i]; c < 0x20 || c == 0x7f {
			return peal.Fault("secret", message.CopiedLineBreak)
		}
	}
	return nil
}

func randomBytes() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return b
}

// currentSecret returns the newest secret, for formats with a single signature. In a rotation the
// new secret signs immediately.
func currentSecret(in *Input) string {
	for i := range in.Webhook.Secrets {
		if s := &in.Webhook.Secrets[i]; s.ExpiresAt.IsZero() || in.Time.Before(s.ExpiresAt) {
			return s.Value
		}
	}
	return ""
}

func missingSecret(format string) error {
	return peal.Fault("secret", message.SecretMissing, format)
}
