package wire_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// received returns a header as net/http hands it to a receiver.
func received(header http.Header) http.Header {
	canonical := make(http.Header, len(header))
	for name, values := range header {
		canonical[http.CanonicalHeaderKey(name)] = values
	}
	return canonical
}

func input(format, data string, secrets ...string) *wire.Input {
	w := &peal.Webhook{ID: peal.NewWebhookID(), Tenant: "default", URL: "https://example.com/hook", Format: format}
	for _, s := range secrets {
		w.Secrets = append(w.Secrets, peal.Secret{Value: s})
	}
	key := peal.NewEventKey()
	return &wire.Input{
		Event: &peal.Event{
			Key: key, ID: key.String(), Tenant: "default", Type: "task.created",
			Time: peal.TimestampOf(key.Time()), Data: json.RawMessage(data),
		},
		Webhook:    w,
		DeliveryID: peal.NewDeliveryID(),
		Time:       time.Now(),
	}
}

func format(t testing.TB, name string) *wire.Format {
	t.Helper()
	f, ok := wire.Lookup(name)
	if !ok {
		t.Fatalf("no format is named %s", name)
	}
	return f
}

func request(t testing.TB, in *wire.Input) wire.Request {
	t.Helper()
	r, err := format(t, in.Webhook.Format).Request(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOfficialLibraryAcceptsStandard(t *testing.T) {
	f := format(t, "standard")
	current, old := f.NewSecret(), f.NewSecret()
	r := request(t, input("standard", `{"id": 7, "text": "é \u0041 <b>"}`, current, old))
	for name, secret := range map[string]string{"current": current, "old": old} {
		wh, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(r.Body, received(r.Header)); err != nil {
			t.Errorf("the official library refuses the %s secret's signature: %v", name, err)
		}
		if err := wire.Verify("standard", r.Header, r.Body, secret); err != nil {
			t.Errorf("Verify refuses the %s secret's signature: %v", name, err)
		}
	}
	other, err := standardwebhooks.NewWebhook(f.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	if other.Verify(r.Body, received(r.Header)) == nil {
		t.Error("the official library accepts a secret that did not sign")
	}
}
