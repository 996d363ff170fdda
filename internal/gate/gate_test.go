package gate_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/gate"
)

// A secret shows in none of the forms that an endpoint may repeat it in.
func TestForms(t *testing.T) {
	for _, secret := range []string{"k3y-of-eight", "A/b+c=d e\"f<g>&h", "pässwort/ü", `back\slash"quote`, "whsec_c2VjcmV0LWtleS1vZi10aGUtc2lnbmF0dXJl"} {
		g := gate.New(secret)
		marshalled, _ := json.Marshal(secret)
		for name, form := range map[string]string{
			"as it is": secret, "in lower case": strings.ToLower(secret), "in upper case": strings.ToUpper(secret),
			"in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
			"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(secret)),
			"in JSON": string(marshalled[1 : len(marshalled)-1]), "quoted": strconv.Quote(secret), "in HTML": html.EscapeString(secret),
		} {
			text := "it said <" + form + "> twice: " + form
			for where, got := range map[string]string{
				"Text": g.Text(text).String(), "Hide": g.Hide(text), "HideBytes": string(g.HideBytes([]byte(text), false)),
			} {
				if strings.Contains(got, form) || strings.Count(got, gate.Redacted) != 2 {
					t.Errorf("%s %s of %q: %q", where, name, secret, got)
				}
			}
		}
	}
}

// The credentials of an authorization are secret without their scheme, and decoded.
func TestCredentials(t *testing.T) {
	g := gate.New("Basic "+base64.StdEncoding.EncodeToString([]byte("user:opensesame")), "Bearer token-of-mine")
	for _, text := range []string{"opensesame", "user:opensesame", "token-of-mine", base64.StdEncoding.EncodeToString([]byte("user:opensesame"))} {
		if got := g.Text("got " + text + "!").String(); got != "got [redacted]!" {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// A body that is cut in the middle of a secret shows none of it.
func TestCutSecret(t *testing.T) {
	g := gate.New("0123456789abcdef")
	for n := 6; n < 16; n++ {
		body := "body " + "0123456789abcdef"[:n]
		if got := string(g.HideBytes([]byte(body), true)); got != "body [redacted]" {
			t.Errorf("%q becomes %q", body, got)
		}
		if got := string(g.HideBytes([]byte(body), false)); got != body {
			t.Errorf("a whole %q becomes %q", body, got)
		}
	}
}

// The shown text is short, valid and one line, for any input.
func FuzzText(f *testing.F) {
	f.Add("plain", "secret-secret")
	f.Add("\x1b[31m\r\n\u202e\xff", "\xff\xfe\xfd\xfc\xfb\xfa")
	f.Add(strings.Repeat("ü", 600), "üüüüüü")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := gate.New(secret).Text(text + secret + text).String()
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00\x1b") || len(got) > 3*520 {
			t.Errorf("shows %q", got)
		}
		if len(secret) >= 6 && gate.IsPrintable(secret) && !strings.Contains(gate.Redacted, secret) && strings.Contains(got, secret) &&
			!strings.Contains(text+gate.Redacted+text, secret) {
			t.Errorf("shows the secret %q in %q", secret, got)
		}
	})
}

// A text that is only compared prints as nothing.
func TestForeign(t *testing.T) {
	f := gate.NewForeign("Canary")
	if !f.Is("canary") || f.Is("other") {
		t.Error("it does not compare")
	}
	if got := fmt.Sprintf("%v %s %+v %#v %q", f, f, f, f, f); strings.Contains(got, "Canary") {
		t.Errorf("prints %s", got)
	}
	if n, ok := gate.NewForeign("42").Number(); !ok || n != 42 {
		t.Error("it is no number")
	}
	var none *gate.Gate
	if none.Text("a\nb").String() != "a b" || none.Hide("x") != "x" || none.And("short") != nil || none.And("long-enough") == nil {
		t.Error("a gate without secrets is not one")
	}
}
