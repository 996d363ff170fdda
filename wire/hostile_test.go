package wire_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

func TestRequestRefuses(t *testing.T) {
	variables := func(name string) (string, bool) {
		value, ok := map[string]string{"GOOD": "g", "CRLF": "a\r\nX-Evil: 1", "NUL": "\x00", "LONG": strings.Repeat("x", 4096)}[name]
		return value, ok
	}
	headers := func(name, value string) func(*wire.Input) {
		return func(in *wire.Input) { in.Webhook.Headers = map[string]string{name: value} }
	}
	for _, c := range []struct {
		name, format, field, message string
		change                       func(in *wire.Input)
	}{
		{"no secret", "standard", "secret", "missing", func(in *wire.Input) { in.Webhook.Secrets = nil }},
		{"only expired secrets", "standard", "secret", "missing", func(in *wire.Input) { in.Webhook.Secrets[0].ExpiresAt = in.Time }},
		{"a raw secret", "standard", "secret", "whsec_", func(in *wire.Input) { in.Webhook.Secrets[0].Value = "raw" }},
		{"no secret", "x-webhook", "secret", "missing", func(in *wire.Input) { in.Webhook.Secrets = nil }},
		{"no secret", "github", "secret", "missing", func(in *wire.Input) { in.Webhook.Secrets = nil }},
		{"no secret", "stripe", "secret", "missing", func(in *wire.Input) { in.Webhook.Secrets = nil }},
		{"no data", "standard", "data", "missing", func(in *wire.Input) { in.Event.Data = nil }},
		{"a type without a dot", "wireguard-portal", "type", "peer.connect", func(in *wire.Input) { in.Event.Type = "peer" }},
		{"text as the fields of a user", "dejacode", "data", "object", func(in *wire.Input) {
			in.Event.Type, in.Event.Data = "user.added_or_updated", []byte(`"x"`)
		}},
		{"extra payload for text", "dejacode", "data", "object", func(in *wire.Input) {
			in.Event.Type, in.Event.Data, in.Webhook.ExtraPayload = "user.locked_out", []byte(`[1]`), []byte(`{"a":1}`)
		}},
		{"an unknown variable", "vikunja", "headers.X-A", "OTHER", headers("X-A", "a {{OTHER}}")},
		{"an open brace", "vikunja", "headers.X-A", "{{NAME}}", headers("X-A", "a {{GOOD")},
		{"an empty name", "vikunja", "headers.X-A", "{{NAME}}", headers("X-A", "{{}}")},
		{"a name that is none", "vikunja", "headers.X-A", "{{NAME}}", headers("X-A", "{{a b}}")},
		{"a name that begins with a digit", "vikunja", "headers.X-A", "{{NAME}}", headers("X-A", "{{1A}}")},
		{"a line break in a variable", "vikunja", "headers.X-A", "line break", headers("X-A", "{{GOOD}} {{CRLF}}")},
		{"a null byte in a variable", "vikunja", "headers.X-A", "control character", headers("X-A", "{{NUL}}")},
		{"a value that grows", "vikunja", "headers.X-A", "longer", headers("X-A", strings.Repeat("{{LONG}}", 3))},
	} {
		t.Run(c.format+" "+c.name, func(t *testing.T) {
			f := format(t, c.format)
			in, _ := signedInput(t, f, `{"a":1}`)
			in.Variables = variables
			c.change(in)
			_, err := f.Request(in)
			var e *peal.Error
			if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != c.field || !strings.Contains(e.Error(), c.message) {
				t.Fatalf("got %v, want an invalid %s about %q", err, c.field, c.message)
			}
			if strings.HasPrefix(c.field, "headers") && wire.CheckHeaders(in.Webhook, variables) == nil {
				t.Error("CheckHeaders sees nothing wrong when the webhook is saved")
			}
		})
	}
	in, _ := signedInput(t, format(t, "vikunja"), `{}`)
	in.Webhook.Headers = map[string]string{"X-A": "{{GOOD}}"}
	if _, err := format(t, "vikunja").Request(in); err == nil {
		t.Error("a variable is filled where there are none")
	}
}

func TestSecretsAreChecked(t *testing.T) {
	const b64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX" // 24 bytes
	for _, c := range []struct {
		format, secret string
		ok             bool
	}{
		{"standard", "whsec_" + b64, true},
		{"standard", "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", true},
		{"standard", wire.NewAsymmetricSecret(), true},
		{"standard", "", false},
		{"standard", b64, false},
		{"standard", "whsec_" + b64[:28], false},                         // 21 bytes
		{"standard", "whsec_" + strings.Repeat(b64, 2)[:52] + b64, true}, // 63 bytes
		{"standard", "whsec_" + strings.Repeat(b64, 3), false},           // 72 bytes
		{"standard", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA", false},  // no padding
		{"standard", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUF\nRYX", false},
		{"standard", "whsec_----" + b64[4:], false},
		{"standard", "whsk_" + b64, false},
		{"standard", "whsk_" + strings.Repeat("A", 86) + "==", false}, // its halves do not belong together
		{"standard", "whpk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false},
		{"x-webhook", "s", true},
		{"x-webhook", strings.Repeat("s", 256), true},
		{"x-webhook", strings.Repeat("s", 257), false},
		{"x-webhook", "", false},
		{"x-webhook", "a\n", false},
		{"x-webhook", "\xff", false},
		{"x-webhook", "ünï cödé", true},
		{"vikunja", "", true},
		{"vikunja", "s3cr3t", true},
		{"github", "It's a Secret to Everybody", true},
		{"stripe", "whsec_x", true},
		{"dejacode", "", true},
		{"dejacode", "x", false},
		{"slack", "x", false},
	} {
		err := format(t, c.format).CheckSecret(c.secret)
		if (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.format, c.secret, err)
		}
		if err != nil && (peal.CodeOf(err) != peal.Invalid || err.(*peal.Error).Field != "secret") {
			t.Errorf("%s %q: %v has another code or field", c.format, c.secret, err)
		}
	}
	for _, f := range wire.Formats() {
		fresh, first := f.FreshSecret(), f.NewSecret()
		if (first != "") != (f.Secrets == wire.SecretAlways) || (fresh != "") != (f.Secrets != wire.SecretNone) {
			t.Errorf("%s (%s) makes %q and %q", f.Name, f.Secrets, first, fresh)
		}
		if fresh != "" && fresh == f.FreshSecret() {
			t.Errorf("%s makes the same secret twice", f.Name)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	old := func(header http.Header, name string, by time.Duration) {
		header.Set(name, strconv.FormatInt(time.Now().Add(-by).Unix(), 10))
	}
	for _, c := range []struct {
		name, format string
		reason       wire.Reason
		change       func(header http.Header)
		secrets      []string // besides the right one when it is nil
	}{
		{"no id", "standard", wire.ReasonMissing, func(h http.Header) { h.Del("webhook-id") }, nil},
		{"no time", "standard", wire.ReasonMissing, func(h http.Header) { h.Del("webhook-timestamp") }, nil},
		{"no signature", "standard", wire.ReasonMissing, func(h http.Header) { h.Del("webhook-signature") }, nil},
		{"an empty signature", "standard", wire.ReasonMissing, func(h http.Header) { h.Set("webhook-signature", "") }, nil},
		{"no version", "standard", wire.ReasonMalformed, func(h http.Header) { h.Set("webhook-signature", "abc") }, nil},
		{"an unknown version", "standard", wire.ReasonMalformed, func(h http.Header) { h.Set("webhook-signature", "v2,abc") }, nil},
		{"a wrong signature", "standard", wire.ReasonWrong, func(h http.Header) { h.Set("webhook-signature", "v1,abc v1 v1a, v1a,### ,") }, nil},
		{"another id", "standard", wire.ReasonWrong, func(h http.Header) { h.Set("webhook-id", "other") }, nil},
		{"another time", "standard", wire.ReasonWrong, func(h http.Header) { old(h, "webhook-timestamp", time.Minute) }, nil},
		{"an old time", "standard", wire.ReasonStale, func(h http.Header) { old(h, "webhook-timestamp", 6*time.Minute) }, nil},
		{"a time to come", "standard", wire.ReasonFuture, func(h http.Header) { old(h, "webhook-timestamp", -6*time.Minute) }, nil},
		{"a time that is none", "standard", wire.ReasonMalformed, func(h http.Header) { h.Set("webhook-timestamp", "now") }, nil},
		{"a negative time", "standard", wire.ReasonMalformed, func(h http.Header) { h.Set("webhook-timestamp", "-1") }, nil},
		{"an endless time", "standard", wire.ReasonMalformed, func(h http.Header) { h.Set("webhook-timestamp", strings.Repeat("9", 500)) }, nil},
		{"no secrets", "standard", wire.ReasonSecret, func(http.Header) {}, []string{}},
		{"an empty secret", "standard", wire.ReasonSecret, func(http.Header) {}, []string{""}},
		{"a raw secret", "standard", wire.ReasonSecret, func(http.Header) {}, []string{"raw"}},
		{"no signature", "x-webhook", wire.ReasonMissing, func(h http.Header) { h.Del("X-Webhook-Signature") }, nil},
		{"no prefix", "x-webhook", wire.ReasonMalformed, func(h http.Header) { h.Set("X-Webhook-Signature", strings.Repeat("a", 64)) }, nil},
		{"too short", "x-webhook", wire.ReasonMalformed, func(h http.Header) { h.Set("X-Webhook-Signature", "sha256=aa") }, nil},
		{"an old time", "x-webhook", wire.ReasonStale, func(h http.Header) { old(h, "X-Webhook-Timestamp", time.Hour) }, nil},
		{"no secrets", "x-webhook", wire.ReasonSecret, func(http.Header) {}, []string{}},
		{"an empty secret", "vikunja", wire.ReasonSecret, func(http.Header) {}, []string{""}},
		{"no signature", "vikunja", wire.ReasonMissing, func(h http.Header) { h.Del("X-Vikunja-Signature") }, nil},
		{"a wrong signature", "vikunja", wire.ReasonWrong, func(h http.Header) { h.Set("X-Vikunja-Signature", strings.Repeat("a", 64)) }, nil},
		{"no signature", "github", wire.ReasonMissing, func(h http.Header) { h.Del("X-Hub-Signature-256") }, nil},
		{"an old scheme only", "stripe", wire.ReasonMalformed, func(h http.Header) { h.Set("Stripe-Signature", "t=1,v0=aa") }, nil},
		{"no time", "stripe", wire.ReasonMalformed, func(h http.Header) { h.Set("Stripe-Signature", "v1=aa") }, nil},
		{"an old time", "stripe", wire.ReasonStale, func(h http.Header) { h.Set("Stripe-Signature", "t=1492774577,v1=aa") }, nil},
		{"no authorization", "wireguard-portal", wire.ReasonMissing, func(h http.Header) { h.Del("Authorization") }, nil},
		{"another authorization", "wireguard-portal", wire.ReasonWrong, func(h http.Header) { h.Set("Authorization", "Bearer x") }, nil},
		{"an empty secret", "dejacode", wire.ReasonSecret, func(http.Header) {}, []string{""}},
	} {
		t.Run(c.format+" "+c.name, func(t *testing.T) {
			in, secret := signedInput(t, format(t, c.format), `{"a":1}`)
			r := request(t, in)
			header := received(r.Header)
			secrets := c.secrets
			if secrets == nil {
				secrets = []string{secret}
			}
			c.change(header)
			err := wire.Verify(c.format, header, r.Body, secrets...)
			var refused *wire.VerifyError
			if !errors.As(err, &refused) || refused.Reason != c.reason {
				t.Fatalf("got %v, want %s", err, c.reason)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
	for _, name := range []string{"", "none", "slack"} {
		if err := wire.Verify(name, http.Header{}, nil, "x"); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("format %q: %v", name, err)
		}
	}
}

func TestToleranceIsAnOption(t *testing.T) {
	f := format(t, "standard")
	in, secret := signedInput(t, f, `{"a":1}`)
	r := request(t, in)
	signed := time.Unix(in.Time.Unix(), 0)
	for _, c := range []struct {
		tolerance, age time.Duration
		ok             bool
	}{
		{time.Minute, time.Minute, true}, {time.Minute, -time.Minute, true},
		{time.Minute, time.Minute + 1, false}, {time.Minute, -time.Minute - 1, false},
		{0, 1000 * time.Hour, true}, {0, -1000 * time.Hour, true},
	} {
		options := wire.VerifyOptions{Tolerance: c.tolerance, Now: signed.Add(c.age)}
		if err := f.Verify(r.Header, r.Body, []string{secret}, options); (err == nil) != c.ok {
			t.Errorf("tolerance %v, age %v: %v", c.tolerance, c.age, err)
		}
	}
	if wire.DefaultVerifyOptions().Validate() != nil || (wire.VerifyOptions{Tolerance: -1}).Validate() == nil {
		t.Error("the options are not validated as documented")
	}
}

// Receiving must not fail in another way than with an error, for any input.
func TestReceivingAnything(t *testing.T) {
	bodies := []string{"", " ", "{", "null", "[]", `"x"`, "1", "\x00", "{\"a\":}", `{"data":1}`, `{"type":1,"data":1}`, `{"type":"a","data":1,"data":2}`,
		`{"type":"a b","data":1}`, `{"event":"x","entity":"","payload":1}`, `{"hook":{"event":5},"data":1}`, `{"hook":{}}`, `{"id":"","type":"a","data":null,"created":1e99}`,
		`{"specversion":"0.3","id":"1","type":"a"}`, `{"event_name":"a","time":"yesterday","data":1}`, strings.Repeat("[", 5000), `{"data":"` + "\xff" + `"}`}
	headers := []http.Header{nil, {}, {"Content-Type": {"application/cloudevents+json"}}, {"Ce-Specversion": {"1.0"}, "Ce-Id": {"%"}},
		{"X-Github-Event": {""}}, {"Webhook-Id": {"a b"}}, {"Stripe-Signature": {"t=,v1="}}, {"Webhook-Signature": {}}}
	for _, f := range wire.Formats() {
		for _, header := range headers {
			for _, body := range bodies {
				if f.Decode != nil {
					event, err := f.Decode(header, []byte(body))
					if err == nil && event.Validate(1<<20) != nil || err != nil && peal.CodeOf(err) != peal.Invalid {
						t.Errorf("%s of %q: %+v, %v", f.Name, body, event, err)
					}
				}
				if f.Verify != nil && wire.Verify(f.Name, header, []byte(body), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX") == nil {
					t.Errorf("%s accepts %q", f.Name, body)
				}
				if mistakes, err := wire.Diagnose(f.Name, header, []byte(body), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"); err == nil && len(mistakes) == 0 {
					t.Errorf("%s: nothing is wrong with %q", f.Name, body)
				}
			}
		}
	}
}
