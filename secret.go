package peal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Secret signs the requests of a webhook. Its value never shows when the Secret is
// printed or logged.
type Secret struct {
	// Value is the secret as its format writes it, such as whsec_….
	Value string
	// CreatedAt is when it was set, in UTC.
	CreatedAt time.Time
	// ExpiresAt is when it stops signing, in UTC; zero for the current secret.
	ExpiresAt time.Time
}

const redacted = "[redacted]"

// Format hides the value, whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { io.WriteString(state, redacted) }

// String hides the value.
func (s Secret) String() string { return redacted }

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value: whoever may see it asks for Value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// ActiveSecrets gives the values that sign at a moment, the current one first.
func (w *Webhook) ActiveSecrets(at time.Time) []string {
	if len(w.Secrets) == 0 {
		return nil
	}
	values := make([]string, 0, len(w.Secrets))
	for _, s := range w.Secrets {
		if s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt) {
			values = append(values, s.Value)
		}
	}
	return values
}

// Sealer protects secret values at rest. Bound is what a sealed value belongs to;
// opening it with any other fails.
type Sealer interface {
	Seal(plain, bound []byte) ([]byte, error)
	Open(sealed, bound []byte) ([]byte, error)
	// Mark is what each value begins with that Seal makes now, and none that was sealed
	// with another key. It is never empty.
	Mark() []byte
}

// ErrUnknownKey is wrapped by the error of [Sealer.Open] for what was sealed with a key that the
// sealer does not have.
var ErrUnknownKey = errors.New("that key is not among the keys given")

// Limits of giving a webhook or a source a new secret.
const (
	MaxSecrets       = 5                   // secrets that count at once: their signatures must fit a header
	MaxSecretOverlap = 30 * 24 * time.Hour // how long earlier ones count beside the new one
)

// RotateSecrets puts a new secret before those there are. The others count until the
// overlap ends, unless they expire earlier; those that have expired at the moment at, the
// one that equals the new one, and what is beyond [MaxSecrets] go. previous is when the one
// that was current expires; zero when it goes at once.
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

// Hidden stands in settings for a secret that is there and not shown, and keeps it when
// it comes back. It is no value: [Webhook.Validate] and [Source.Validate] refuse it.
const Hidden = "[set]"

// IsHidden reports whether a text only stands for a value that is not shown: [Hidden],
// or what records and a [Secret] have in its place.
func IsHidden(text string) bool { return text == Hidden || text == redacted }

// refuseHidden refuses what stands for a value and keeps none.
func refuseHidden(field, value string) error {
	if !IsHidden(value) {
		return nil
	}
	return Invalidf(field, "is %s, which only stands for a value that is not shown, and there is none to keep; set the value", value)
}

// hidesQuery reports whether a URL's query holds what [RedactURL] writes.
func hidesQuery(text string) bool {
	_, query, _ := strings.Cut(text, "?")
	if plain, err := url.QueryUnescape(query); err == nil {
		query = plain
	}
	return strings.Contains(query, redacted)
}

// RedactURL hides the values of a URL's query, where tokens stand, for records and for
// readers who may not see secrets: https://host/hook?token=[redacted]. A query without
// names is hidden as a whole.
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
