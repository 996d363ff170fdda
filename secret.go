package peal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/pealhq/peal/internal/message"
)

// Secret is a key that signs the requests of a webhook. Printing, logging or encoding it never
// shows its value.
type Secret struct {
	// Value is the secret in the notation of its format, such as whsec_….
	Value string
	// CreatedAt is when it was set, in UTC.
	CreatedAt time.Time
	// ExpiresAt is when it stops signing, in UTC; zero for the current secret.
	ExpiresAt time.Time
}

const redacted = "[redacted]"

// Format writes a placeholder for every verb.
func (s Secret) Format(state fmt.State, _ rune) { io.WriteString(state, redacted) }

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// LogValue returns a placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder. Callers that may show the secret use Value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// activeSecrets returns the values that are valid at the time at, the current one first.
func activeSecrets(secrets []Secret, at time.Time) []string {
	if len(secrets) == 0 {
		return nil
	}
	values := make([]string, 0, len(secrets))
	for _, s := range secrets {
		if s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt) {
			values = append(values, s.Value)
		}
	}
	return values
}

// Sealer encrypts secret values at rest. A sealed value can only be opened with the same bound,
// which identifies its owner.
type Sealer interface {
	Seal(plain, bound []byte) ([]byte, error)
	Open(sealed, bound []byte) ([]byte, error)
	// Mark returns the prefix of all values sealed with the current key, which no value
	// sealed with another key has. It is never empty.
	Mark() []byte
}

// ErrUnknownKey is wrapped by the error of [Sealer.Open] for a value that was sealed with a key
// that the sealer does not have.
var ErrUnknownKey = errors.New("that key is not among the keys given")

// Limits of rotating the secrets of a webhook or source.
const (
	MaxSecrets       = 5                   // secrets valid at the same time: their signatures must fit a header
	MaxSecretOverlap = 30 * 24 * time.Hour // validity of earlier ones beside the new one
)

// RotateSecrets returns the secrets with a new one in front. The others stay valid until the
// overlap ends, unless they expire earlier. It removes secrets that have expired at the time at,
// one that equals the new one, and those beyond [MaxSecrets]. previous is when the secret that
// was current expires; zero when it is removed.
func RotateSecrets(current []Secret, value string, at time.Time, overlap time.Duration) (secrets []Secret, previous time.Time) {
	secrets = []Secret{{Value: value, CreatedAt: at}}
	end := at.Add(overlap)
	for i, old := range current {
		if old.ExpiresAt.IsZero() || old.ExpiresAt.After(end) {
			old.ExpiresAt = end
		}
		if !old.ExpiresAt.After(at) || old.Value == value || len(secrets) == MaxSecrets {
			continue
		}
		if i == 0 {
			previous = old.ExpiresAt
		}
		secrets = append(secrets, old)
	}
	return secrets, previous
}

// HiddenSecret takes the place of a secret in shown settings; settings that are sent back with it
// keep the secret. It is not a valid value for [Webhook.Validate] and [Source.Validate].
const HiddenSecret = "[set]"

// IsHiddenSecret reports whether a text is a placeholder: [HiddenSecret], or that of records and of
// [Secret].
func IsHiddenSecret(text string) bool { return text == HiddenSecret || text == redacted }

// refuseHidden returns an error when value is a placeholder.
func refuseHidden(field, value string) error {
	if !IsHiddenSecret(value) {
		return nil
	}
	return Fault(field, message.SecretRedacted, value)
}

// hidesQuery reports whether a URL's query contains the placeholder of [RedactURL].
func hidesQuery(text string) bool {
	_, query, _ := strings.Cut(text, "?")
	if plain, err := url.QueryUnescape(query); err == nil {
		query = plain
	}
	return strings.Contains(query, redacted)
}

// RedactURL replaces the values in a URL's query, which can be tokens, for records and for
// readers who may not see secrets: https://host/hook?token=[redacted]. It replaces a query
// without names as a whole.
func RedactURL(url string) string {
	base, query, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	query, _, _ = strings.Cut(query, "#")
	var text strings.Builder
	text.WriteString(base)
	for i, pair := range strings.Split(query, "&") {
		text.WriteByte("?&"[min(i, 1)])
		if name, _, named := strings.Cut(pair, "="); named {
			text.WriteString(name + "=")
		}
		if pair != "" {
			text.WriteString(redacted)
		}
	}
	return text.String()
}
