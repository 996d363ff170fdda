package wire_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

const diagnosed = `{"b": 1, "a": "<é/>", "c": [1.50, {"d": "x\u0041"}]}`

// sha256Of is the HMAC-SHA256 of the parts.
func sha256Of(key string, parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join(parts, "")))
	return mac.Sum(nil)
}

func TestDiagnoseFindsTheMistake(t *testing.T) {
	type received struct {
		header http.Header
		body   string
		secret string
	}
	set := func(name string, value func(r *received) string) func(r *received) {
		return func(r *received) { r.header.Set(name, value(r)) }
	}
	body := func(change func(body string) string) func(r *received) {
		return func(r *received) { r.body = change(r.body) }
	}
	key := func(secret string) string {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		return string(key)
	}
	before := func(r *received) string {
		return r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "."
	}
	v1 := func(mac []byte) string { return "v1," + base64.StdEncoding.EncodeToString(mac) }
	xSignature := func(r *received) string { return r.header.Get("X-Webhook-Signature") }
	for _, c := range []struct {
		name, format string
		kinds        []wire.Kind
		message      string
		change       func(r *received)
	}{
		{"nothing", "standard", nil, "", func(*received) {}},
		{"nothing", "x-webhook", nil, "", func(*received) {}},
		{"nothing", "vikunja", nil, "", func(*received) {}},
		{"nothing", "github", nil, "", func(*received) {}},
		{"nothing", "stripe", nil, "", func(*received) {}},

		{"a line break added", "standard", []wire.Kind{wire.MistakeBody}, "line break", body(func(b string) string { return b + "\n" })},
		{"a body that was read", "vikunja", []wire.Kind{wire.MistakeUnknown}, "", body(func(string) string { return "" })},
		{"an empty body signed", "github", []wire.Kind{wire.MistakeBody}, "empty", set("X-Hub-Signature-256", func(r *received) string {
			return "sha256=" + hex.EncodeToString(sha256Of(r.secret, ""))
		})},
		{"parsed and written by Python", "x-webhook", []wire.Kind{wire.MistakeBody}, "JSON.stringify", body(func(b string) string { return string(wire.Python.Append(nil, []byte(b))) })},
		{"parsed and written by JavaScript", "vikunja", []wire.Kind{wire.MistakeBody}, "json.Marshal", body(func(b string) string { return string(wire.Plain.Append(nil, []byte(b))) })},
		{"parsed and signed as Python", "github", []wire.Kind{wire.MistakeBody}, "json.dumps", set("X-Hub-Signature-256", func(r *received) string {
			return "sha256=" + hex.EncodeToString(sha256Of(r.secret, string(wire.Python.Append(nil, []byte(r.body)))))
		})},
		{"parsed and signed as JavaScript", "standard", []wire.Kind{wire.MistakeBody}, "JSON.stringify", set("webhook-signature", func(r *received) string {
			return v1(sha256Of(key(r.secret), before(r), string(wire.Plain.Append(nil, []byte(r.body)))))
		})},
		{"parsed and signed with sorted names", "stripe", []wire.Kind{wire.MistakeBody}, "sorted", set("Stripe-Signature", func(r *received) string {
			sorted := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(canonical(t, []byte(r.body))))
			now := strconv.FormatInt(time.Now().Unix(), 10)
			return "t=" + now + ",v1=" + hex.EncodeToString(sha256Of(r.secret, now, ".", sorted))
		})},

		{"no prefix", "x-webhook", []wire.Kind{wire.MistakePrefix}, "sha256=", set("X-Webhook-Signature", func(r *received) string { return xSignature(r)[7:] })},
		{"a prefix too much", "vikunja", []wire.Kind{wire.MistakePrefix}, "take it off", set("X-Vikunja-Signature", func(r *received) string { return "sha256=" + r.header.Get("X-Vikunja-Signature") })},
		{"no version", "standard", []wire.Kind{wire.MistakePrefix}, "v1,", set("webhook-signature", func(r *received) string { return r.header.Get("webhook-signature")[3:] })},
		{"upper case", "x-webhook", []wire.Kind{wire.MistakeEncoding}, "upper-case", set("X-Webhook-Signature", func(r *received) string { return "sha256=" + strings.ToUpper(xSignature(r)[7:]) })},
		{"base64", "github", []wire.Kind{wire.MistakeEncoding}, "base64", set("X-Hub-Signature-256", func(r *received) string {
			return "sha256=" + base64.StdEncoding.EncodeToString(sha256Of(r.secret, r.body))
		})},
		{"hexadecimal", "standard", []wire.Kind{wire.MistakeEncoding}, "hexadecimal", set("webhook-signature", func(r *received) string {
			return "v1," + hex.EncodeToString(sha256Of(key(r.secret), before(r), r.body))
		})},
		{"the base64 of hexadecimal", "standard", []wire.Kind{wire.MistakeEncoding}, "hexadecimal text", set("webhook-signature", func(r *received) string {
			return v1([]byte(hex.EncodeToString(sha256Of(key(r.secret), before(r), r.body))))
		})},
		{"the alphabet of URLs", "standard", []wire.Kind{wire.MistakeEncoding}, "alphabet", set("webhook-signature", func(r *received) string {
			return "v1," + base64.RawURLEncoding.EncodeToString(sha256Of(key(r.secret), before(r), r.body))
		})},

		{"the secret not decoded", "standard", []wire.Kind{wire.MistakeKey}, "not decoded", set("webhook-signature", func(r *received) string {
			return v1(sha256Of(strings.TrimPrefix(r.secret, "whsec_"), before(r), r.body))
		})},
		{"the secret's text", "standard", []wire.Kind{wire.MistakeKey}, "take whsec_ off", set("webhook-signature", func(r *received) string { return v1(sha256Of(r.secret, before(r), r.body)) })},
		{"a secret with a line break", "github", []wire.Kind{wire.MistakeKey}, "line break", set("X-Hub-Signature-256", func(r *received) string {
			return "sha256=" + hex.EncodeToString(sha256Of(r.secret+"\n", r.body))
		})},
		{"a secret without whsec_", "stripe", []wire.Kind{wire.MistakeKey}, "whole text", set("Stripe-Signature", func(r *received) string {
			now := strconv.FormatInt(time.Now().Unix(), 10)
			return "t=" + now + ",v1=" + hex.EncodeToString(sha256Of(strings.TrimPrefix(r.secret, "whsec_"), now, ".", r.body))
		})},

		{"the body alone", "standard", []wire.Kind{wire.MistakeContent}, "without the id and the time", set("webhook-signature", func(r *received) string { return v1(sha256Of(key(r.secret), r.body)) })},
		{"no id", "standard", []wire.Kind{wire.MistakeContent}, "without the id", set("webhook-signature", func(r *received) string {
			return v1(sha256Of(key(r.secret), r.header.Get("webhook-timestamp"), ".", r.body))
		})},
		{"the time too", "x-webhook", []wire.Kind{wire.MistakeContent}, "body alone", set("X-Webhook-Signature", func(r *received) string {
			return "sha256=" + hex.EncodeToString(sha256Of(r.secret, r.header.Get("X-Webhook-Timestamp"), ".", r.body))
		})},
		{"no time", "stripe", []wire.Kind{wire.MistakeContent}, "without the time", set("Stripe-Signature", func(r *received) string {
			return "t=" + strconv.FormatInt(time.Now().Unix(), 10) + ",v1=" + hex.EncodeToString(sha256Of(r.secret, r.body))
		})},
		{"SHA-1", "vikunja", []wire.Kind{wire.MistakeAlgorithm}, "SHA1", set("X-Vikunja-Signature", func(r *received) string {
			mac := hmac.New(sha1.New, []byte(r.secret))
			mac.Write([]byte(r.body))
			return hex.EncodeToString(mac.Sum(nil))
		})},
		{"two at once", "standard", []wire.Kind{wire.MistakeContent, wire.MistakeKey}, "", set("webhook-signature", func(r *received) string { return v1(sha256Of(r.secret, r.body)) })},

		{"an old time", "standard", []wire.Kind{wire.MistakeTime}, "right, but", func(r *received) {
			r.header.Set("webhook-timestamp", "1614265330")
			r.header.Set("webhook-signature", v1(sha256Of(key(r.secret), before(r), r.body)))
		}},
		{"another secret", "github", []wire.Kind{wire.MistakeUnknown}, "another secret", func(r *received) { r.secret = "x" }},
		{"a raw secret", "standard", []wire.Kind{wire.MistakeSecret}, "whsec_", func(r *received) { r.secret = "raw" }},
		{"no header", "github", []wire.Kind{wire.MistakeHeader}, "missing", func(r *received) { r.header.Del("X-Hub-Signature-256") }},
		{"another format", "github", []wire.Kind{wire.MistakeFormat}, "the format vikunja", func(r *received) {
			r.header = http.Header{"X-Vikunja-Signature": {"aa"}}
		}},
	} {
		t.Run(c.format+" "+c.name, func(t *testing.T) {
			in, secret := signedInput(t, format(t, c.format), diagnosed)
			made := request(t, in)
			header := make(http.Header)
			for name, values := range made.Header {
				header.Set(name, values[0])
			}
			r := &received{header, string(made.Body), secret}
			c.change(r)
			mistakes, err := wire.Diagnose(c.format, r.header, []byte(r.body), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", r.secret)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []wire.Kind
			text := ""
			for _, m := range mistakes {
				kinds = append(kinds, m.Kind)
				text += m.Message + "; "
			}
			if !slices.Equal(kinds, c.kinds) || !strings.Contains(text, c.message) {
				t.Errorf("found %v: %s\nwant %v about %q", kinds, text, c.kinds, c.message)
			}
			if strings.Contains(text, r.secret) && len(r.secret) > 5 {
				t.Error("a message shows the secret")
			}
		})
	}
	for _, name := range []string{"none", "slack", "wireguard-portal"} {
		if _, err := wire.Diagnose(name, http.Header{}, nil, "x"); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("format %q: %v", name, err)
		}
	}
}
