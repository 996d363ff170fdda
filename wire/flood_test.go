package wire_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// TestManySignatures has a stranger fill the signature header with signatures of the right
// shape: none makes the verifier compute one more HMAC, and too many are refused.
func TestManySignatures(t *testing.T) {
	for _, f := range wire.Formats() {
		if f.SignatureHeader == "" {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			in, secret := signedInput(t, f, kilobyte)
			r := request(t, in)
			genuine := received(r.Header)
			value := genuine.Get(f.SignatureHeader)
			other := forged(value)
			verify := func(values ...string) error {
				header := genuine.Clone()
				header[http.CanonicalHeaderKey(f.SignatureHeader)] = values
				return wire.Verify(f.Name, header, r.Body, f.FreshSecret(), secret)
			}
			one := testing.AllocsPerRun(10, func() { verify(other) })
			for _, separator := range []string{" ", ",", ", ", ";", "\x00"} {
				for _, count := range []int{2, wire.MaxSignatures, 3000} {
					many := slices.Repeat([]string{other}, count)
					values := []string{strings.Join(many, separator)}
					if separator == "\x00" {
						values = many // a header for each
					}
					var err error
					// A wrong signature costs the HMAC of each secret; a list adds its own slice.
					if allocs := testing.AllocsPerRun(10, func() { err = verify(values...) }); allocs > one+8 {
						t.Errorf("%d signatures separated by %q take %g allocations, one takes %g", count, separator, allocs, one)
					}
					if err == nil {
						t.Errorf("%d forged signatures separated by %q are accepted", count, separator)
					}
				}
			}
		})
	}
}

// forged changes a signature header's last signature without changing its shape.
func forged(value string) string {
	b := []byte(value)
	for i := len(b) - 1; ; i-- {
		switch {
		case b[i] == '=':
			continue
		case b[i] == '0' || b[i] == 'A':
			b[i]++
		default:
			b[i] = '0' // both a hexadecimal digit and one of base64
		}
		return string(b)
	}
}

// TestSignaturesAtTheirBound puts the right signature last, among as many as are taken and
// among one more.
func TestSignaturesAtTheirBound(t *testing.T) {
	asymmetric := wire.NewAsymmetricSecret()
	for name, c := range map[string]struct {
		format, secret string
		most           int
		separator      string
		wrong          func(right string) string
	}{
		"HMAC":                   {"standard", "", wire.MaxSignatures, " ", forged},
		"ed25519":                {"standard", asymmetric, peal.MaxSecrets, " ", func(string) string { return "v1a," + strings.Repeat("A", 86) + "==" }},
		"others beside ed25519":  {"standard", asymmetric, wire.MaxSignatures, " ", func(string) string { return "v2,x" }},
		"Stripe":                 {"stripe", "", wire.MaxSignatures, ",", func(string) string { return "v1=" + strings.Repeat("0", 64) }},
		"Stripe, other versions": {"stripe", "", 1000, ",", func(string) string { return "v0=" + strings.Repeat("0", 64) }},
	} {
		t.Run(name, func(t *testing.T) {
			f := format(t, c.format)
			in, secret := signedInput(t, f, `{"a":1}`)
			if c.secret != "" {
				secret = c.secret
				in.Webhook.Secrets = []peal.Secret{{Value: secret}}
			}
			r := request(t, in)
			header := received(r.Header)
			right := header.Get(f.SignatureHeader)
			for _, count := range []int{c.most, c.most + 1} {
				list := append(slices.Repeat([]string{c.wrong(right)}, count-1), right)
				header.Set(f.SignatureHeader, strings.Join(list, c.separator))
				err := wire.Verify(f.Name, header, r.Body, secret)
				var refused *wire.VerifyError
				switch {
				case count == c.most && err != nil:
					t.Errorf("the last of %d signatures is right: %v", count, err)
				case count > c.most && c.most <= wire.MaxSignatures && (!errors.As(err, &refused) || refused.Reason != wire.ReasonMalformed || !strings.Contains(refused.Message, "at most")):
					t.Errorf("%d signatures: %v", count, err)
				}
			}
		})
	}
}
