// Package gate is the way that all text of an endpoint's making takes into records, logs and
// answers: it hides the secrets of the webhook that the endpoint belongs to, in every form that an
// endpoint is likely to repeat them in, and makes the text harmless.
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
	// Redacted stands where a secret stood.
	Redacted = "[redacted]"

	// leastSecret is the shortest secret that is looked for, in bytes: shorter ones stand in texts
	// by chance.
	leastSecret = 6

	// maxText is the most that a [Text] keeps of a text, in bytes.
	maxText = 500
)

// Text is a text that may hold words of an endpoint. Only a gate makes it, or [Fixed].
type Text struct{ text string }

// String returns the text: one line, harmless, without secrets.
func (t Text) String() string { return t.text }

// phrase is a text of this program: constants convert to it, texts from elsewhere do not.
type phrase string

// Fixed returns a text that holds no word of an endpoint.
func Fixed(p phrase) Text { return Text{string(p)} }

// Join returns texts one after the other.
func Join(texts ...Text) Text {
	var joined strings.Builder
	for _, t := range texts {
		joined.WriteString(t.text)
	}
	return Text{joined.String()}
}

// Foreign is a text of an endpoint that is only compared. It prints as nothing else.
type Foreign struct{ raw string }

// NewForeign returns a text that is not to be shown.
func NewForeign(raw string) Foreign { return Foreign{raw} }

// Is reports whether the text is another one in any case.
func (f Foreign) Is(text string) bool { return strings.EqualFold(f.raw, text) }

// Number returns the text as a whole number that is not negative.
func (f Foreign) Number() (uint64, bool) {
	n, err := strconv.ParseUint(f.raw, 10, 63)
	return n, err == nil
}

// String hides the text; use [Gate.Text] to show it.
func (f Foreign) String() string { return Redacted }

// GoString hides the text too.
func (f Foreign) GoString() string { return Redacted }

// Gate knows the secrets of one webhook. A nil gate knows none. It is safe for concurrent use.
type Gate struct {
	secrets []string
	least   int // the length of the shortest

	once  sync.Once
	forms []string // of all secrets, longest first
}

// New returns a gate that hides secrets: values of headers, of URLs' queries, signing secrets,
// tokens. Of a value of Authorization, the credentials and what they decode to are secrets too.
// It is nil when there is nothing to hide.
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

// Knows reports whether the gate hides a secret, or need not.
func (g *Gate) Knows(secret string) bool {
	return len(secret) < leastSecret || g != nil && slices.Contains(g.secrets, secret)
}

// And returns a gate that hides more secrets; g itself when it knows them.
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

// Text makes a text from outside fit for an error's text: without secrets, harmless, not long.
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

// HideBytes is [Gate.Hide] for bytes, which stay as they are. Where they were cut, so is the
// beginning of a secret at their end.
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

// all returns every form of every secret, the longest first. Few webhooks need them: most answers
// are shorter than a secret.
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

// formsOf returns a secret as endpoints may repeat it.
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

// lowerHex writes the digits of percent-encoding in lower case.
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

// Harmless makes a text from outside safe to keep and to show: one line, valid UTF-8, nothing that
// a terminal obeys or that turns the reading around.
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
		return r // RuneError for what is not UTF-8
	}, text)
}

// IsPrintable reports whether a text is all printable ASCII, as nearly all are.
func IsPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}
