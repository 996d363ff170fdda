package egress_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// secretWebhook has a secret wherever a webhook's settings hold one, and secretsOf names them.
func secretWebhook(url string) *peal.Webhook {
	return &peal.Webhook{
		URL: url + "?key=canary-of%20the+query", Authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte("me:canary-of-basic")),
		Headers: map[string]string{"X-Auth-Key": "canary/of+the header", "X-Functions-Key": "k={{TOKEN}}", "Content-Type": "application/json"},
		Secrets: []peal.Secret{{Value: "whsec_" + canarySecret}},
		OAuth2:  &peal.OAuth2{ClientSecret: peal.Secret{Value: "canary-of-oauth2"}, TokenURL: "https://t.test/?t=canary-of-token-url"},
	}
}

var canarySecret = base64.StdEncoding.EncodeToString([]byte("canary-of-signing-0123456789"))

var canaryTexts = []string{
	"canary-of%20the+query", "canary-of the query", base64.StdEncoding.EncodeToString([]byte("me:canary-of-basic")), "canary-of-basic",
	"canary/of+the header", "canary-of-the-variable", "whsec_" + canarySecret, canarySecret, "canary-of-oauth2", "canary-of-token-url",
}

func variables(name string) (string, bool) { return "canary-of-the-variable", name == "TOKEN" }

// An endpoint that echoes a secret of the settings, in any form and in any text that is shown, does
// not reveal it.
func TestOneGate(t *testing.T) {
	forms := map[string]func(string) string{
		"as it is": func(s string) string { return s }, "in a query": url.QueryEscape, "in lower case": strings.ToLower,
		"in base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in JSON":   func(s string) string { b, _ := json.Marshal(s); return string(b) },
	}
	for name, answer := range map[string]string{
		"a redirect":            "HTTP/1.1 302 Found\r\nLocation: https://else.test/%s\r\nContent-Length: 0\r\n\r\n",
		"a redirect, far along": "HTTP/1.1 302 Found\r\nLocation: https://else.test/" + strings.Repeat("a", 470) + "%s\r\nContent-Length: 0\r\n\r\n",
		"a malformed status":    "HTTP/1.1 %s\r\n\r\n",
		"a malformed version":   "HTTP/%s 200 OK\r\n\r\n",
		"no answer at all":      "%s\r\n\r\n",
		"a malformed header":    "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"a malformed name":      "HTTP/1.1 200 OK\r\n%s : x\r\n\r\n",
		"a malformed length":    "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"a malformed coding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"a head and a body":     "HTTP/1.1 500 No\r\nX-%[1]s: 1\r\nX-Echo: %[1]s\r\n\r\n%[1]s",
	} {
		t.Run(name, func(t *testing.T) {
			var said string
			r := receive(t, func(c *conn) {
				if c.read() != nil {
					c.write(fmt.Sprintf(answer, said))
				}
			})
			hook := secretWebhook(r.url)
			client := newClient(t, nil).With(egress.Terms{Tenant: "a", Secrets: egress.Secrets(hook, variables)})
			for form, write := range forms {
				for _, canary := range canaryTexts {
					said = write(canary)
					a, _ := send(t, client, request(hook.URL), ample)
					shown := a.Error + "\n" + string(a.ResponseHead) + "\n" + string(a.ResponseBody) + a.URL
					if a.Error+string(a.ResponseHead) == "" || strings.Contains(shown, strings.Trim(said, `"`)) || strings.Contains(shown, canary) {
						t.Errorf("%q %s shows in\n%s", canary, form, shown)
					}
				}
			}
		})
	}
}

// A token that no setting holds is hidden like one that does.
func TestGateOfRequests(t *testing.T) {
	r := receive(t, answering("HTTP/1.1 302 Found\r\nLocation: /?t=the-token-of-today\r\nContent-Length: 0\r\n\r\n"))
	client := newClient(t, nil).With(egress.Terms{Tenant: "a", Secrets: []string{"another-secret"}})
	a, _ := send(t, client, &wire.Request{URL: r.url, Header: http.Header{"Authorization": {"Bearer the-token-of-today"}}}, ample)
	want(t, a, peal.ReasonRedirect, "it points to /?t=[redacted]")
}

// A token server and an endpoint that is asked for its consent give no secret away either.
func TestGateOfTokensAndConsent(t *testing.T) {
	for name, answer := range map[string]string{
		"an error code": "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 55\r\n\r\n{\"error\":\"canary-of-oauth2 canary%2Dof%2Doauth2 padded\"}",
		"a bad head":    "HTTP/1.1 canary-of-oauth2\r\n\r\n",
		"a bad name":    "HTTP/1.1 200 OK\r\n" + base64.StdEncoding.EncodeToString([]byte("id:canary-of-oauth2")) + "\r\n\r\n",
	} {
		r := receive(t, answering(answer))
		_, _, err := egress.NewTokens(newClient(t, nil)).Get(context.Background(), "a", &peal.OAuth2{
			TokenURL: r.url, ClientID: "id", ClientSecret: peal.Secret{Value: "canary-of-oauth2"},
		}, "")
		var why *egress.TokenError
		if !errors.As(err, &why) || strings.Contains(err.Error(), "canary-of") || strings.Contains(err.Error(), "Y2FuYXJ5") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := receive(t, answering("HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: canary-of-basic\r\nContent-Length: 0\r\n\r\n"))
	hook := secretWebhook(r.url)
	client := newClient(t, nil).With(egress.Terms{Secrets: egress.Secrets(hook, variables)})
	consent, err := client.Ask(context.Background(), hook.URL, http.Header{}, ample)
	if err != nil {
		t.Fatal(err)
	}
	if got := consent.Show("WebHook-Allowed-Origin").String() + fmt.Sprintf("%v %+v", consent.Values("WebHook-Allowed-Origin"), consent.Values("WebHook-Allowed-Origin")); strings.Contains(got, "canary") {
		t.Errorf("shows %s", got)
	}
	bad := receive(t, answering("HTTP/1.1 canary-of-basic\r\n\r\n"))
	if _, err := client.Ask(context.Background(), bad.url, http.Header{}, ample); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, errors.Unwrap(err)), "canary") {
		t.Errorf("error is %v", err)
	}
}

// The webhook's own headers are hidden in records, with any name.
func TestOwnHeadersAreHidden(t *testing.T) {
	format, _ := wire.Lookup("standard")
	hook := secretWebhook("https://a.test/")
	made, err := format.Request(&wire.Input{
		Event: &peal.Event{Type: "a", Data: []byte(`{}`)}, Webhook: hook, Variables: variables,
	})
	if err != nil {
		t.Fatal(err)
	}
	head := string(egress.RequestHead(&made))
	for _, name := range []string{"Authorization", "X-Auth-Key", "X-Functions-Key"} {
		if !strings.Contains(head, name+": [redacted]\n") {
			t.Errorf("%s is not hidden in\n%s", name, head)
		}
	}
}

// coded returns a text in a content coding.
func coded(coding, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw deflate":
		w, _ = flate.NewWriter(&b, flate.BestCompression)
	}
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// Answers are kept as text: without content codings, in UTF-8, however much they expand to.
func TestDecodedAnswers(t *testing.T) {
	in := func(e encoding.Encoding, text string) string {
		encoded, err := e.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	bomb := coded("gzip", strings.Repeat("a", 4<<20))
	for name, c := range map[string]struct {
		head, body, want string
		truncated        bool
	}{
		"gzip":             {"Content-Encoding: gzip", coded("gzip", "it is full"), "it is full", false},
		"x-gzip, twice":    {"Content-Encoding: x-gzip\r\nContent-Encoding: GZIP", coded("gzip", coded("gzip", "it is full")), "it is full", false},
		"deflate":          {"Content-Encoding: deflate", coded("deflate", "it is full"), "it is full", false},
		"raw deflate":      {"Content-Encoding: deflate", coded("raw deflate", "it is full"), "it is full", false},
		"identity":         {"Content-Encoding: identity", "it is full", "it is full", false},
		"claimed only":     {"Content-Encoding: gzip", "it is full", "it is full", false},
		"broken off":       {"Content-Encoding: gzip", coded("gzip", "it is full")[:20], "it is f", true},
		"a bomb":           {"Content-Encoding: gzip", bomb, strings.Repeat("a", peal.MaxResponseBody), true},
		"a bomb of bombs":  {"Content-Encoding: gzip, gzip", coded("gzip", bomb), strings.Repeat("a", peal.MaxResponseBody), true},
		"too many codings": {"Content-Encoding: gzip, gzip, gzip", coded("gzip", "x"), "", true},
		"brotli":           {"Content-Encoding: br", "\x0b\x02\x80secret\x03", "", true},
		"Latin-1":          {"Content-Type: text/plain; charset=ISO-8859-1", in(charmap.ISO8859_1, "zu groß"), "zu groß", false},
		"Shift-JIS":        {"Content-Type: text/plain; charset=\"shift_jis\"", in(japanese.ShiftJIS, "こんにちは"), "こんにちは", false},
		"UTF-16":           {"Content-Type: text/plain; charset=utf-16le", in(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "groß"), "groß", false},
		"UTF-8":            {"Content-Type: text/plain; charset=utf-8", "groß", "groß", false},
		"unknown charset":  {"Content-Type: text/plain; charset=klingon", "Qapla", "Qapla", false},
		"both": {"Content-Type: text/plain; charset=ISO-8859-1\r\nContent-Encoding: gzip",
			coded("gzip", in(charmap.ISO8859_1, "groß")), "groß", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, answering(fmt.Sprintf("HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s", c.head, len(c.body), c.body)))
			a := post(t, newClient(t, nil), r.url, ample)
			want(t, a, "")
			if name == "broken off" {
				if !strings.HasPrefix("it is full", string(a.ResponseBody)) || !a.ResponseTruncated {
					t.Errorf("kept %q, truncated %v", a.ResponseBody, a.ResponseTruncated)
				}
				return
			}
			if string(a.ResponseBody) != c.want || a.ResponseTruncated != c.truncated {
				t.Errorf("kept %.60q (%d bytes), truncated %v", a.ResponseBody, len(a.ResponseBody), a.ResponseTruncated)
			}
		})
	}
}

// No coding hides a secret from the gate.
func TestCodedSecretsAreHidden(t *testing.T) {
	hook := secretWebhook("https://a.test/")
	for name, answer := range map[string][2]string{
		"gzip":   {"Content-Encoding: gzip", coded("gzip", "canary-of-basic")},
		"UTF-16": {"Content-Type: text/plain; charset=utf-16le", "c\x00a\x00n\x00a\x00r\x00y\x00-\x00o\x00f\x00-\x00b\x00a\x00s\x00i\x00c\x00"},
	} {
		r := receive(t, answering(fmt.Sprintf("HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s", answer[0], len(answer[1]), answer[1])))
		client := newClient(t, nil).With(egress.Terms{Secrets: egress.Secrets(hook, variables)})
		if a := post(t, client, r.url, ample); string(a.ResponseBody) != "[redacted]" {
			t.Errorf("%s: kept %q", name, a.ResponseBody)
		}
	}
}
