package api_test

import (
	"testing"

	"github.com/pealhq/peal"
)

// TestManagedWebhook: what the configuration file owns can be seen and tested here, not changed.
func TestManagedWebhook(t *testing.T) {
	b := newBench(t)
	webhook, err := b.store.CreateWebhook(t.Context(), peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: "default", URL: "http://127.0.0.1:1/", Events: []string{"*"}, Format: "standard",
		Timeout: peal.DefaultTimeout, Status: peal.Active, Managed: true,
		Secrets: []peal.Secret{{Value: "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/webhooks/" + webhook.ID.String()
	if shown := b.want(200, request{method: "GET", path: path}); shown["managed"] != true {
		t.Errorf("it is shown as %v", shown)
	}
	b.refused(409, "conflict", request{method: "PATCH", path: path, body: `{"status":"paused"}`})
	b.refused(409, "conflict", request{method: "DELETE", path: path})
	b.refused(409, "conflict", request{method: "POST", path: path + "/secret/rotate"})
	b.want(200, request{method: "POST", path: path + "/test"})
	if after, err := b.store.Webhook(t.Context(), "default", webhook.ID); err != nil || after.Revision != webhook.Revision {
		t.Errorf("it was changed to revision %d, %v", after.Revision, err)
	}
}
