package wire_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/wire"
)

// The values in GitHub's documentation to test an implementation with ("Validating webhook
// deliveries").
func TestGithubVector(t *testing.T) {
	const secret, body = "It's a Secret to Everybody", "Hello, World!"
	header := http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
	if err := wire.Verify("github", header, []byte(body), secret); err != nil {
		t.Error(err)
	}
	if wire.Verify("github", header, []byte(body+"!"), secret) == nil || wire.Verify("github", header, []byte(body), secret+"!") == nil {
		t.Error("another body or secret is accepted")
	}
}

// The example of the Standard Webhooks specification's reference libraries.
func TestStandardVector(t *testing.T) {
	header := http.Header{
		"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
		"Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
	options := wire.DefaultVerifyOptions()
	options.Now = time.Unix(1614265330, 0)
	err := format(t, "standard").Verify(header, []byte(`{"test": 2432232314}`), []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, options)
	if err != nil {
		t.Error(err)
	}
}

// Stripe publishes the steps and not a secret with its signature: these are the
// steps of its documentation ("Verify webhook signatures manually"), done by hand.
func TestStripeSteps(t *testing.T) {
	const secret, timestamp, body = "whsec_test_secret", "1492774577", "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\"\n}"
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "." + body))
	right := hex.EncodeToString(mac.Sum(nil))
	const example = "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd" // of another secret
	f := format(t, "stripe")
	options := wire.VerifyOptions{Tolerance: time.Minute, Now: time.Unix(1492774577, 0)}
	for header, ok := range map[string]bool{
		"t=" + timestamp + ",v1=" + right + ",v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39": true,
		"t=" + timestamp + ",v1=" + example + ",v1=" + right:                                                       true,
		"t=" + timestamp + ", v1=" + right:                                                                         true,
		"t=" + timestamp + ",v1=" + example:                                                                        false,
		"t=" + timestamp + ",v0=" + right:                                                                          false,
		"t=1492774578,v1=" + right:                                                                                 false,
	} {
		err := f.Verify(http.Header{"Stripe-Signature": {header}}, []byte(body), []string{secret}, options)
		if (err == nil) != ok {
			t.Errorf("%s: %v", header, err)
		}
	}
}

// An ed25519 secret signs, and its public key verifies, which cannot sign.
func TestAsymmetricKeys(t *testing.T) {
	secret := wire.NewAsymmetricSecret()
	public, err := wire.PublicKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	hmacSecret := format(t, "standard").NewSecret()
	in := input("standard", `{"a":1}`, secret, hmacSecret)
	r := request(t, in)
	signatures := strings.Fields(received(r.Header).Get("webhook-signature"))
	if len(signatures) != 2 || !strings.HasPrefix(signatures[0], "v1a,") || !strings.HasPrefix(signatures[1], "v1,") {
		t.Fatalf("the signatures are %q", signatures)
	}
	for _, key := range []string{secret, public, hmacSecret} {
		if err := wire.Verify("standard", r.Header, r.Body, key); err != nil {
			t.Errorf("%.6s… refuses: %v", key, err)
		}
		if wire.Verify("standard", r.Header, append(r.Body, ' '), key) == nil {
			t.Errorf("%.6s… accepts another body", key)
		}
	}
	another, err := wire.PublicKey(wire.NewAsymmetricSecret())
	if err != nil {
		t.Fatal(err)
	}
	if wire.Verify("standard", r.Header, r.Body, another) == nil {
		t.Error("another public key accepts the signature")
	}
	in.Webhook.Secrets = in.Webhook.Secrets[:1]
	in.Webhook.Secrets[0].Value = public
	if _, err := format(t, "standard").Request(in); err == nil {
		t.Error("a public key signs")
	}
	if _, err := wire.PublicKey(hmacSecret); err == nil {
		t.Error("an HMAC secret has a public key")
	}
}
