package wire_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// signedParts are the headers that a format signs beside the body; the signature's own
// header is always among what must be as it was.
var signedParts = map[string][]string{"standard": {"webhook-id", "webhook-timestamp"}}

// FuzzVerify plays somebody who holds a signed request but not its secret: they may
// change, add and remove headers and send any body. Nothing but what was signed is
// accepted, and nothing makes the verifier fail in another way than with its errors.
//
// Changes are lines: "Name: value" replaces a header, "Name:" removes it, "+Name: value"
// adds a value. SIGNATURE stands for the genuine signature header.
func FuzzVerify(f *testing.F) {
	for i := range wire.Formats() {
		for _, changes := range []string{
			"", "webhook-id: other", "webhook-timestamp: 99999999999", "webhook-timestamp: -1", "webhook-signature:", "webhook-signature: v1,", "webhook-signature: v1a,AAAA v1,AAAA",
			"Stripe-Signature: t=1,v1=\n+Stripe-Signature: SIGNATURE", "Stripe-Signature: SIGNATURE,t=1", "X-Hub-Signature-256: sha256=", "X-Hub-Signature-256: sha1=aa",
			"X-Vikunja-Signature:\n+X-Vikunja-Signature: SIGNATURE", "X-Webhook-Signature: sha256=SIGNATURE", "Authorization: Bearer \nAuthorization: Basic Og==", "webhook-signature:  SIGNATURE ",
		} {
			f.Add(uint(i), changes, []byte(nil), false)
			f.Add(uint(i), changes, []byte(`{"type":"a.b","data":{}}`), true)
		}
	}
	f.Fuzz(func(t *testing.T, which uint, changes string, forged []byte, isForged bool) {
		formats := wire.Formats()
		format := formats[which%uint(len(formats))]
		if format.Verify == nil {
			return
		}
		in, secret := signedInput(t, format, `{"a":1}`)
		r, err := format.Request(in)
		if err != nil {
			t.Fatal(err)
		}
		genuine := received(r.Header)
		header := change(genuine, changes, genuine.Get(format.SignatureHeader))
		body := r.Body
		if isForged {
			body = forged
		}
		err = format.Verify(header, body, []string{format.FreshSecret() + "x", secret}, wire.VerifyOptions{})
		if format.Name == "standard" && err != nil { // an invalid secret is reported for any signature
			err = format.Verify(header, body, []string{format.FreshSecret(), secret}, wire.VerifyOptions{})
		}
		var refused *wire.VerifyError
		switch {
		case err != nil && (!errors.As(err, &refused) || strings.Contains(err.Error(), secret)):
			t.Fatalf("%s: refused with %v", format.Name, err)
		case err != nil && !isForged && changes == "":
			t.Fatalf("%s: the genuine request is refused: %v", format.Name, err)
		case err == nil && !isGenuine(format, genuine, header, r.Body, body):
			t.Fatalf("%s: accepted with %q and the body %q", format.Name, header, body)
		}
		if _, err := wire.Diagnose(format.Name, header, body, secret); err != nil && peal.CodeOf(err) != peal.Invalid {
			t.Fatalf("%s: diagnose: %v", format.Name, err)
		}
		if format.Decode != nil {
			if _, err := format.Decode(header, body); err != nil && peal.CodeOf(err) != peal.Invalid {
				t.Fatalf("%s: decode: %v", format.Name, err)
			}
		}
	})
}

// change applies lines to a copy of a header.
func change(header http.Header, lines, signature string) http.Header {
	header = header.Clone()
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, _ := strings.Cut(line, ":")
		name, isMore := strings.CutPrefix(name, "+")
		name, value = http.CanonicalHeaderKey(name), strings.ReplaceAll(strings.TrimPrefix(value, " "), "SIGNATURE", signature)
		switch {
		case isMore:
			header.Add(name, value)
		case value == "":
			header.Del(name)
		default:
			header.Set(name, value)
		}
	}
	return header
}

// isGenuine reports whether what was signed is as it was signed.
func isGenuine(format *wire.Format, was, is http.Header, signed, body []byte) bool {
	if format.SignatureHeader == "" {
		return strings.TrimSpace(is.Get("Authorization")) == was.Get("Authorization") // all that such a format proves
	}
	for _, name := range signedParts[format.Name] {
		if strings.TrimSpace(is.Get(name)) != was.Get(name) {
			return false
		}
	}
	signature := was.Get(format.SignatureHeader)
	for part := range strings.SplitSeq(signature, ",") { // t=…,v1=… in any order
		if !strings.Contains(is.Get(format.SignatureHeader), part) {
			return false
		}
	}
	return bytes.Equal(signed, body)
}
