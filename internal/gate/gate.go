// Package gate sanitizes all text from endpoints before it reaches records, logs and responses. It
// hides the secrets of the endpoint's webhook, in every form in which an endpoint is likely to
// repeat them, and makes the text harmless.
package gate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// Redacted replaces a secret.
	Redacted = "[redacted]"

	// leastSecret is the minimum length of a hidden secret, in bytes: shorter ones occur in texts
	// by chance.
	leastSecret = 6

	// maxText is the maximum length of a [Text], in bytes.
	maxText = 500
)

// Text is a sanitized text. Only [Gate.Text], [Fixed] and [Join] create it.
type Text struct{ text string }

// String returns the text: one line, harmless, without secrets.
func (t Text) String() string { return t.text }

// phrase is a text of this program: only constants convert to it implicitly.
type phrase string

// Fixed returns a text that contains nothing from an endpoint.
func Fixed(p phrase) Text { return Text{string(p)} }

// Join concatenates texts.
func Join(texts ...Text) Text {
	var joined strings.Builder
	for _, t := range texts {
		joined.WriteString(t.text)
	}
	return Text{joined.String()}
}

// Foreign is a text from an endpoint that is only compared. It prints as [Redacted].
type Foreign struct{ raw string }

// NewForeign returns a text that must not be shown.
func NewForeign(raw string) Foreign { return Foreign{raw} }

// Is reports whether the text equals another one, ignoring case.
func (f Foreign) Is(text string) bool { return strings.EqualFold(f.raw, text) }

// Number returns the text as a non-negative integer.
func (f Foreign) Number() (uint64, bool) {
	n, err := strconv.ParseUint(f.raw, 10, 63)
	return n, err == nil
}

// String hides the text; use [Gate.Text] to show it.
func (f Foreign) String() string { return Redacted }

// GoString hides the text too.
func (f Foreign) GoString() string { return Redacted }

// Gate hides the secrets of one webhook. A nil gate hides none. It is safe for concurrent use.
type Gate struct {
	secrets []string
	least   int // the length of the shortest

	once  sync.Once
	forms []string // of all secrets, longest first
}

// New returns a gate that hides secrets: values of headers, of URLs' queries, signing secrets,
// tokens. The credentials in a value of Authorization, and their decoded form, are secrets too. New
// returns nil if there is nothing to hide.
func New(secrets ...string) *Gate {
	g := &Gate{}
	for _, secret := range secrets {
		g.add(secret)
		if scheme, credentials, ok := strings.Cut(secret, " "); ok { // RFC 9110, section 11.4
			g.add(credentials)
			if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "Basic") {
				g.add(string(plain))
				_, password, _ := strings.Cut(string(plain), ":")
				g.add(password)
			}
		}
		if _, key, ok := strings.Cut(secret, "_"); ok && strings.HasPrefix(secret, "whsec_") {
			g.add(key)
		}
	}
	if len(g.secrets) == 0 {
		return nil
	}
	return g
}

func (g *Gate) add(secret string) {
	if len(secret) < leastSecret || slices.Contains(g.secrets, secret) {
		return
	}
	g.secrets = append(g.secrets, secret)
	if g.least == 0 || len(secret) < g.least {
		g.least = len(secret)
	}
}

// Knows reports whether the gate hides a secret or does not need to.
func (g *Gate) Knows(secret string) bool {
	return len(secret) < leastSecret || g != nil && slices.Contains(g.secrets, secret)
}

// And returns a gate that hides additional secrets, or g if it knows them.
func (g *Gate) And(secrets ...string) *Gate {
	var known []string
	if g != nil {
		known = g.secrets
	}
	if !slices.ContainsFunc(secrets, func(s string) bool { return !g.Knows(s) }) {
		return g
	}
	return New(slices.Concat(known, secrets)...)
}

// Text prepares a foreign text for an error: without secrets, harmless and short.
func (g *Gate) Text(raw string) Text {
	text := g.Hide(raw)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return Text{Harmless(text)}
}

// Hide returns a text without secrets.
func (g *Gate) Hide(text string) string {
	if g == nil || len(text) < g.least {
		return text
	}
	for _, form := range g.all() {
		text = strings.ReplaceAll(text, form, Redacted)
	}
	return text
}

// HideBytes is like [Gate.Hide] for bytes, which it does not modify. If they were truncated, it
// also hides the start of a secret at their end.
func (g *Gate) HideBytes(text []byte, cut bool) []byte {
	if g == nil || len(text) < min(g.least, leastSecret) {
		return text
	}
	if len(text) >= g.least {
		for _, form := range g.all() {
			if bytes.Contains(text, []byte(form)) {
				text = bytes.ReplaceAll(text, []byte(form), []byte(Redacted))
			}
		}
	}
	if !cut {
		return text
	}
	for _, form := range g.all() {
		for n := min(len(form)-1, len(text)); n >= leastSecret; n-- {
			if bytes.HasSuffix(text, []byte(form[:n])) {
				return append(slices.Clip(text[:len(text)-n]), Redacted...)
			}
		}
	}
	return text
}

// all returns every form of every secret, the longest first. It creates them on first use, because
// most responses are shorter than a secret.
func (g *Gate) all() []string {
	g.once.Do(func() {
		for _, secret := range g.secrets {
			for _, form := range formsOf(secret) {
				if !slices.Contains(g.forms, form) {
					g.forms = append(g.forms, form)
				}
			}
		}
		slices.SortFunc(g.forms, func(a, b string) int { return len(b) - len(a) })
	})
	return g.forms
}

// formsOf returns the forms in which endpoints may repeat a secret.
func formsOf(secret string) []string {
	forms := []string{secret, strings.ToLower(secret), strings.ToUpper(secret)}
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret)} {
		forms = append(forms, escaped, lowerHex(escaped))
	}
	if plain, err := url.QueryUnescape(secret); err == nil && len(plain) >= leastSecret {
		forms = append(forms, plain)
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(secret)))
	}
	quoted := strconv.Quote(secret)
	forms = append(forms, quoted[1:len(quoted)-1], html.EscapeString(secret))
	if marshalled, err := json.Marshal(secret); err == nil {
		forms = append(forms, string(marshalled[1:len(marshalled)-1]))
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(secret) == nil {
		text := strings.TrimSuffix(written.String(), "\n")
		forms = append(forms, text[1:len(text)-1], strings.ReplaceAll(text[1:len(text)-1], "/", `\/`))
	}
	return forms
}

// lowerHex converts the digits of percent-encoding to lower case.
func lowerHex(escaped string) string {
	if !strings.Contains(escaped, "%") {
		return escaped
	}
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// Harmless makes a foreign text safe to store and to show: one line, valid UTF-8, without control
// characters and bidirectional overrides.
func Harmless(text string) string {
	if IsPrintable(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL and C1
			return ' '
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			return utf8.RuneError // bidirectional overrides, line and paragraph separators
		}
		return r // RuneError for invalid UTF-8
	}, text)
}

// IsPrintable reports whether a text consists of printable ASCII, as nearly all do.
func IsPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}
