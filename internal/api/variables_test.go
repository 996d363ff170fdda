package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/wire"
)

// variableBench has variables of each kind, and an endpoint that keeps what it was sent.
func variableBench(t *testing.T) (b *bench, endpoint string, sent func() http.Header) {
	received := make(chan http.Header, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.Header }))
	t.Cleanup(server.Close)
	variables := map[string]string{"PLAIN": "plain-value", "HOST": "host-value", "TENANT": "tenant-value", "BOTH": "both-value"}
	format, err := custom.New(custom.Definition{Name: "chat", Body: `{text: .event.type}`, Headers: map[string]string{"X-Chat": "{{PLAIN}}"}}, variables)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	b = newBench(t, func(o *dispatch.Options) {
		o.Variables = variables
		o.VariableScopes = map[string]dispatch.VariableScope{
			"HOST": {Hosts: []string{host}}, "TENANT": {Tenants: []string{"acme"}}, "BOTH": {Hosts: []string{host}, Tenants: []string{"acme"}},
		}
		o.Formats = []*wire.Format{format}
	})
	return b, server.URL, func() http.Header { return <-received }
}

// A variable goes where its scope says, and one without a scope only into webhooks that
// an operator has saved. Nobody learns which variables there are.
func TestVariablesGoWhereTheyMay(t *testing.T) {
	b, endpoint, _ := variableBench(t)
	acme, other := b.newKey("acme", peal.ScopeManage), b.newKey("other", peal.ScopeManage)
	const elsewhere = "http://127.0.0.1:1/"
	for name, test := range map[string]struct {
		key, tenant, url, variable string
		ok                         bool
	}{
		"the operator's":                    {"", "acme", elsewhere, "PLAIN", true},
		"a tenant's":                        {acme, "", endpoint, "PLAIN", false},
		"unknown, the operator's":           {"", "acme", endpoint, "UNKNOWN", false},
		"unknown":                           {acme, "", endpoint, "UNKNOWN", false},
		"to its host":                       {other, "", endpoint, "HOST", true},
		"to its host in capitals":           {other, "", strings.ToUpper(endpoint[:7]) + endpoint[7:], "HOST", true},
		"to another host":                   {other, "", elsewhere, "HOST", false},
		"to another host, the operator's":   {"", "other", elsewhere, "HOST", false},
		"in its tenant":                     {acme, "", elsewhere, "TENANT", true},
		"in another tenant":                 {other, "", elsewhere, "TENANT", false},
		"in another tenant, the operator's": {"", "other", elsewhere, "TENANT", false},
		"both":                              {acme, "", endpoint, "BOTH", true},
		"both, another host":                {acme, "", elsewhere, "BOTH", false},
		"both, another tenant":              {other, "", endpoint, "BOTH", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			create := request{
				method: "POST", path: "/v1/webhooks", key: test.key, tenant: test.tenant,
				body: map[string]any{"url": test.url, "events": "*", "headers": map[string]string{"X-Token": "Bearer {{ " + test.variable + " }}"}},
			}
			if test.ok {
				b.want(201, create)
				return
			}
			got := b.do(create)
			var problem struct {
				Errors []struct{ Location, Message string }
			}
			if err := json.Unmarshal(got.body, &problem); err != nil || got.StatusCode != 422 || len(problem.Errors) != 1 {
				t.Fatalf("answered %d: %s", got.StatusCode, got.body)
			}
			want := "uses the variable " + test.variable + ", which is not available to this webhook; correct its name, or ask the operator"
			if one := problem.Errors[0]; one.Location != "body.headers.X-Token" || one.Message != want {
				t.Errorf("refused with %+v", one)
			}
		})
	}
}

// The caller who saves a webhook is responsible for its variables: a tenant that changes an
// operator's webhook cannot keep a variable, send it elsewhere or try it out.
func TestVariablesOfAnOperatorsWebhook(t *testing.T) {
	b, endpoint, sent := variableBench(t)
	key := b.newKey("acme", peal.ScopeManage)
	hook := b.want(201, request{method: "POST", path: "/v1/webhooks", tenant: "acme", body: `{"url":"` + endpoint + `","events":"*","headers":{"X-Token":"{{PLAIN}}"}}`})["id"].(string)
	path := "/v1/webhooks/" + hook
	test := func() string {
		t.Helper()
		b.want(200, request{method: "POST", path: path + "/test", key: key, body: `{"type":"a","data":{}}`})
		return sent().Get("X-Token")
	}
	if got := test(); got != "plain-value" {
		t.Errorf("the operator's webhook sends %q", got)
	}
	for change, place := range map[string]string{
		`{"url":"http://127.0.0.1:1/"}`:       "body.headers.X-Token",
		`{"description":"mine"}`:              "body.headers.X-Token",
		`{"headers":{"X-Other":"{{PLAIN}}"}}`: "body.headers.X-Other",
		`{"headers":null,"format":"chat"}`:    "body.format",
	} {
		if places := b.refused(422, "invalid", request{method: "PATCH", path: path, key: key, body: change}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", change, places)
		}
		if places := b.refused(422, "invalid", request{method: "POST", path: path + "/preview", key: key, body: `{"event":{"type":"a","data":1},"webhook":` + change + `}`}); !slices.Equal(places, []string{strings.Replace(place, "body.", "body.webhook.", 1)}) {
			t.Errorf("a preview of %s is refused at %q", change, places)
		}
	}
	for _, change := range []string{`{"status":"paused"}`, `{"status":"active"}`} { // changes neither where it goes nor what it carries
		b.want(200, request{method: "PATCH", path: path, key: key, body: change})
	}
	b.want(200, request{method: "POST", path: path + "/secret/rotate", key: key})
	if got := test(); got != "plain-value" {
		t.Errorf("after a pause, the operator's webhook sends %q", got)
	}
	b.want(200, request{method: "PATCH", path: path, key: key, body: `{"headers":{"X-Mine":"1"}}`})
	if places := b.refused(422, "invalid", request{method: "PATCH", path: path, key: key, body: `{"headers":{"X-Token":"{{PLAIN}}"}}`}); len(places) != 1 {
		t.Errorf("putting it back is refused at %q", places)
	}
	b.want(200, request{method: "PATCH", path: path, tenant: "acme", body: `{"status":"paused"}`}) // trusts nothing that the tenant has saved
	stored, err := b.store.Webhook(t.Context(), "acme", must(t, hook))
	if err != nil || stored.Author != peal.AuthorTenant {
		t.Errorf("the author is %q (%v)", stored.Author, err)
	}
}

func must(t *testing.T, text string) peal.WebhookID {
	t.Helper()
	id, err := peal.ParseWebhookID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A tenant cannot read a variable through a format of the operator's that sends it.
func TestVariablesInFormats(t *testing.T) {
	b, endpoint, sent := variableBench(t)
	key := b.newKey("acme", peal.ScopeManage)
	body := `{"url":"` + endpoint + `","events":"*","format":"chat"}`
	if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/webhooks", key: key, body: body}); !slices.Equal(places, []string{"body.format"}) {
		t.Errorf("refused at %q", places)
	}
	hook := b.want(201, request{method: "POST", path: "/v1/webhooks", tenant: "acme", body: body})["id"].(string)
	b.want(200, request{method: "POST", path: "/v1/webhooks/" + hook + "/test", key: key, body: `{"type":"a","data":{}}`})
	if got := sent().Get("X-Chat"); got != "plain-value" {
		t.Errorf("the operator's webhook sends %q", got)
	}
	b.refused(422, "invalid", request{method: "PATCH", path: "/v1/webhooks/" + hook, key: key, body: `{"url":"http://127.0.0.1:1/"}`})
}
