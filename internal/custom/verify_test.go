package custom_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/wire"
)

func options(age time.Duration) wire.VerifyOptions {
	o := wire.DefaultVerifyOptions()
	o.Now = at.Add(age)
	return o
}

// The verifiers of built-in formats judge definitions that describe the same.
func TestBuiltInFormatsAsJudges(t *testing.T) {
	const key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for name, test := range map[string]struct {
		headers        map[string]string
		signature      custom.Signature
		secret, theirs string
	}{
		"standard": {
			map[string]string{"webhook-id": "{{event.id}}", "webhook-timestamp": "{{timestamp}}"},
			custom.Signature{Header: "webhook-signature", Encoding: "base64", Prefix: "v1,", Content: "{{id}}.{{timestamp}}.{{body}}", SecretEncoding: "base64"},
			key, "whsec_" + key,
		},
		"github":  {nil, custom.Signature{Header: "X-Hub-Signature-256", Prefix: "sha256="}, "any text", "any text"},
		"vikunja": {nil, custom.Signature{Header: "x-vikunja-signature"}, "any text", "any text"},
		"stripe": {
			nil, custom.Signature{Header: "Stripe-Signature", Prefix: "t={{timestamp}},v1=", Content: "{{timestamp}}.{{body}}"},
			"whsec_any", "whsec_any",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := plain()
			d.Headers, d.Signature = test.headers, &test.signature
			f := must(t, d)
			r, err := f.Request(input(t, `{"a":1}`, test.secret))
			if err != nil {
				t.Fatal(err)
			}
			judge, _ := wire.Lookup(name)
			if err := judge.Verify(r.Header, r.Body, []string{test.theirs}, options(0)); err != nil {
				t.Errorf("the judge says: %v", err)
			}
			if err := f.Verify(r.Header, r.Body, []string{"b3RoZXI=", test.secret}, options(0)); err != nil {
				t.Errorf("the format itself says: %v", err)
			}
		})
	}
}

// For each way to sign: what is sent verifies, and one flipped byte does not.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(name string, choices ...string) string { return rapid.SampledFrom(choices).Draw(rt, name) }
		d := plain()
		d.Headers = map[string]string{
			"X-Event": "{{event.id}}", "X-Type": "type {{event.type}};", "x-time": "{{timestamp}}", "X-Ids": "{{webhook.id}}/{{delivery_id}}",
			"X-When": "{{event.time}} {{event.tenant}}",
		}
		d.Signature = &custom.Signature{
			Header: pick("header", "X-Signature", "x-sig"), Algorithm: pick("algorithm", "", "sha256", "sha512", "sha1", "ed25519"),
			Encoding: pick("encoding", "", "hex", "base64", "base64url"), Prefix: pick("prefix", "", "v1=", "t={{timestamp}},s=", "{{event.type}}:"),
			Content: pick("content", "", "{{body}}", "{{id}}.{{timestamp}}.{{body}}", "{{event.id}}{{body}}{{delivery_id}}", "{{event.type}} {{webhook.id}} {{event.time}} {{event.tenant}} {{body}}!"),
		}
		d.Signature.SecretEncoding = pick("secret encoding", "", "base64", "hex")
		f, err := custom.New(d, nil)
		if err != nil {
			rt.Fatal(err)
		}
		secret := f.NewSecret()
		if err := f.CheckSecret(secret); err != nil {
			rt.Fatalf("its own secret: %v", err)
		}
		data, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "data"))
		if err != nil {
			rt.Fatal(err)
		}
		r, err := f.Request(input(t, string(data), secret, f.FreshSecret()))
		if err != nil {
			rt.Fatal(err)
		}
		if err := f.Verify(r.Header, r.Body, []string{f.FreshSecret(), secret}, options(time.Minute)); err != nil {
			rt.Fatalf("%v: %+v", err, r.Header)
		}
		if err := f.Verify(r.Header, r.Body, []string{f.FreshSecret()}, options(0)); reason(err) != wire.ReasonWrong {
			rt.Fatalf("another secret: %v", err)
		}
		r.Body[rapid.IntRange(0, len(r.Body)-1).Draw(rt, "place")] ^= 1
		if err := f.Verify(r.Header, r.Body, []string{secret}, options(0)); reason(err) != wire.ReasonWrong {
			rt.Fatalf("a flipped byte: %v", err)
		}
	})
}

func reason(err error) wire.Reason {
	if e, ok := err.(*wire.VerifyError); ok {
		return e.Reason
	}
	return ""
}

func TestVerifyReasons(t *testing.T) {
	d := plain()
	d.Headers = map[string]string{"X-Time": "at {{timestamp}}", "X-Id": "{{event.id}}"}
	d.Signature = &custom.Signature{Header: "X-Signature", Prefix: "v1=", Content: "{{id}}.{{timestamp}}.{{body}}"}
	f := must(t, d)
	r, err := f.Request(input(t, `{}`, "right"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change  func(http.Header)
		age     time.Duration
		secrets []string
		want    wire.Reason
	}{
		"nothing":             {nil, 0, []string{"right"}, ""},
		"the second secret":   {nil, 0, []string{"wrong", "right"}, ""},
		"other spellings":     {func(h http.Header) { h["x-SIGNATURE"] = h["X-Signature"]; delete(h, "X-Signature") }, 0, []string{"right"}, ""},
		"no secret":           {nil, 0, nil, wire.ReasonSecret},
		"an empty secret":     {nil, 0, []string{""}, wire.ReasonSecret},
		"the wrong secret":    {nil, 0, []string{"wrong"}, wire.ReasonWrong},
		"no signature":        {func(h http.Header) { delete(h, "X-Signature") }, 0, []string{"right"}, wire.ReasonMissing},
		"an empty signature":  {func(h http.Header) { h["X-Signature"] = []string{""} }, 0, []string{"right"}, wire.ReasonMissing},
		"no prefix":           {func(h http.Header) { h["X-Signature"] = []string{h["X-Signature"][0][3:]} }, 0, []string{"right"}, wire.ReasonMalformed},
		"capitals":            {func(h http.Header) { h["X-Signature"] = []string{"v1=" + strings.ToUpper(h["X-Signature"][0][3:])} }, 0, []string{"right"}, wire.ReasonMalformed},
		"an odd digit":        {func(h http.Header) { h["X-Signature"] = []string{h["X-Signature"][0] + "0"} }, 0, []string{"right"}, wire.ReasonMalformed},
		"a shorter signature": {func(h http.Header) { h["X-Signature"] = []string{"v1=00"} }, 0, []string{"right"}, wire.ReasonWrong},
		"no time":             {func(h http.Header) { delete(h, "X-Time") }, 0, []string{"right"}, wire.ReasonMissing},
		"no number as time":   {func(h http.Header) { h["X-Time"] = []string{"at noon"} }, 0, []string{"right"}, wire.ReasonMalformed},
		"another time":        {func(h http.Header) { h["X-Time"] = []string{"at 1795253401"} }, 0, []string{"right"}, wire.ReasonWrong},
		"another id":          {func(h http.Header) { h["X-Id"] = []string{"other"} }, 0, []string{"right"}, wire.ReasonWrong},
		"too late":            {nil, 6 * time.Minute, []string{"right"}, wire.ReasonStale},
		"too early":           {nil, -6 * time.Minute, []string{"right"}, wire.ReasonFuture},
	} {
		t.Run(name, func(t *testing.T) {
			header := r.Header.Clone()
			if test.change != nil {
				test.change(header)
			}
			err := f.Verify(header, r.Body, test.secrets, options(test.age))
			if reason(err) != test.want || err != nil && test.want == "" {
				t.Errorf("got %v, want reason %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "right") {
				t.Errorf("%q holds the secret", err)
			}
		})
	}
}

// A format that signs something without sending it in a header cannot be verified from a request
// alone.
func TestNotVerifiable(t *testing.T) {
	d := signed()
	d.Signature.Content = "{{delivery_id}}{{body}}"
	f := must(t, d)
	if f.Verify != nil {
		t.Error("it claims to verify")
	}
	if r, err := f.Request(input(t, `{}`, "x")); err != nil || r.Header["X-Signature"] == nil {
		t.Errorf("it does not sign: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	mixed := append(append([]byte{}, key[:32]...), make([]byte, 32)...)
	for name, test := range map[string]struct {
		algorithm, encoding, secret string
		ok                          bool
	}{
		"a text":                 {"sha256", "raw", "any text é", true},
		"a text too long":        {"sha256", "raw", strings.Repeat("x", 257), false},
		"a text with a break":    {"sha256", "raw", "text\n", false},
		"no UTF-8":               {"sha256", "raw", "\xff", false},
		"base64":                 {"sha512", "base64", "AAEC", true},
		"unpadded base64":        {"sha256", "base64", "AAE", false},
		"base64 with a break":    {"sha256", "base64", "AAEC\n", false},
		"base64 far too long":    {"sha256", "base64", strings.Repeat("A", 516), false},
		"hex":                    {"sha1", "hex", "00ff", true},
		"an odd digit":           {"sha256", "hex", "00f", false},
		"a private key":          {"ed25519", "", base64.StdEncoding.EncodeToString(key), true},
		"a private key in hex":   {"ed25519", "hex", hex.EncodeToString(key), true},
		"a seed":                 {"ed25519", "", base64.StdEncoding.EncodeToString(key[:32]), false},
		"halves that do not fit": {"ed25519", "", base64.StdEncoding.EncodeToString(mixed), false},
		"none":                   {"sha256", "raw", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := signed()
			d.Signature.Algorithm, d.Signature.SecretEncoding = test.algorithm, test.encoding
			f := must(t, d)
			err := f.CheckSecret(test.secret)
			if (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
			if _, err := f.Request(input(t, `{}`, test.secret)); (err == nil) != test.ok {
				t.Errorf("a request with it: %v", err)
			}
		})
	}
	if _, err := must(t, signed()).Request(input(t, `{}`)); err == nil {
		t.Error("it signs without a secret")
	}
}

// Receivers of ed25519 need the public half only, and a public key is never taken
// for a seed, with which everybody who knows it could sign.
func TestPublicKeys(t *testing.T) {
	d := signed()
	d.Signature.Algorithm = "ed25519"
	f := must(t, d)
	key := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	public := base64.StdEncoding.EncodeToString(key[32:])
	r, err := f.Request(input(t, `{}`, base64.StdEncoding.EncodeToString(key)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(r.Header, r.Body, []string{public}, options(0)); err != nil {
		t.Errorf("with the public key: %v", err)
	}
	forged := ed25519.Sign(ed25519.NewKeyFromSeed(key[32:]), r.Body)
	r.Header["X-Signature"] = []string{hex.EncodeToString(forged)}
	if err := f.Verify(r.Header, r.Body, []string{public}, options(0)); reason(err) != wire.ReasonWrong {
		t.Errorf("a signature made with the public key as seed: %v", err)
	}
}
