package wire

import (
	"crypto/rand"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// SecretUse is how a format treats secrets.
type SecretUse string

// The ways to treat secrets.
const (
	SecretNone     SecretUse = "none"     // the format never signs and takes no secret
	SecretOptional SecretUse = "optional" // it signs when the webhook has a secret
	SecretAlways   SecretUse = "always"   // it always signs: without a secret, one is made
)

// MaxSecret is the longest secret of the formats that take any text, in bytes.
const MaxSecret = 256

// NewSecret makes what a webhook gets that is created without a secret: "" unless
// the format always signs.
func (f *Format) NewSecret() string {
	if f.Secrets != SecretAlways {
		return ""
	}
	return f.FreshSecret()
}

// FreshSecret makes a secret of 256 random bits as the format writes it, for a
// rotation or for whoever asks for one; "" when the format takes none.
func (f *Format) FreshSecret() string {
	if f.Secrets == SecretNone {
		return ""
	}
	if f.MakeSecret != nil {
		return f.MakeSecret()
	}
	return rawBase64(randomBytes())
}

// CheckSecret makes sure that the format can sign with a secret. Its error is a
// *[peal.Error] of code Invalid with the field "secret".
func (f *Format) CheckSecret(secret string) error {
	switch {
	case f.Secrets == SecretNone:
		if secret != "" {
			return peal.Invalidf("secret", "is not used by the format %s: leave it out", f.Name)
		}
		return nil
	case secret == "":
		if f.Secrets == SecretAlways {
			return peal.Invalidf("secret", "is missing: the format %s always signs", f.Name)
		}
		return nil
	case f.AcceptSecret != nil:
		return f.AcceptSecret(secret)
	}
	return checkTextSecret(secret)
}

// checkTextSecret takes the text whose bytes are the key, as most systems do. No
// lower bound but 1: receivers that exist keep the secrets they have.
func checkTextSecret(secret string) error {
	if secret == "" || len(secret) > MaxSecret {
		return peal.Invalidf("secret", "must have 1 to %d bytes", MaxSecret)
	}
	if !utf8.ValidString(secret) {
		return peal.Invalidf("secret", "must be UTF-8 text")
	}
	for i := range len(secret) {
		if c := secret[i]; c < 0x20 || c == 0x7f {
			return peal.Invalidf("secret", "must not hold line breaks or control characters; a line break at the end often comes from copying")
		}
	}
	return nil
}

func randomBytes() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return b
}

// currentSecret is the secret of the formats whose header has room for one
// signature: the newest. During a rotation it signs from the first moment.
func currentSecret(in *Input) string {
	for i := range in.Webhook.Secrets {
		if s := &in.Webhook.Secrets[i]; s.ExpiresAt.IsZero() || in.Time.Before(s.ExpiresAt) {
			return s.Value
		}
	}
	return ""
}

func missingSecret(format string) error {
	return peal.Invalidf("secret", "is missing: the format %s always signs", format)
}
