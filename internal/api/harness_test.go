package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/internal/sqlitetest"
	"github.com/pealhq/peal/sqlite"
)

const operatorKey = "operator-key-of-the-tests-0123456789"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a whole API on a real store and engine behind a real HTTP server.
type bench struct {
	testing.TB
	store    *sqlite.Store
	engine   *dispatch.Engine
	identity *identity.Identity
	server   *httptest.Server
	log      *bytes.Buffer
	client   *http.Client
	stop     func() // stops the engine; the end of the test does so too
}

func newBench(t testing.TB, change ...func(*dispatch.Options)) *bench {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peal.db")
	sqlitetest.Create(t, path)
	store, err := sqlite.Open(t.Context(), sqlite.DefaultOptions(path))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{TB: t, store: store, log: new(bytes.Buffer)}
	options := dispatch.DefaultOptions()
	options.Egress = egress.DefaultOptions().Development()
	options.MaxData = 64 << 10
	for _, f := range change {
		f(&options)
	}
	if b.engine, err = dispatch.New(store, options); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.engine.Run(ctx) }()
	signIn := identity.DefaultOptions()
	signIn.Store, signIn.Cost = store, identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	if b.identity, err = identity.New(signIn); err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Options{
		Store: store, Engine: b.engine, Intake: intake.New(store, b.engine, nil), Identity: b.identity, Log: slog.New(slog.NewTextHandler(b.log, nil)),
		OperatorKey: operatorKey, Version: "1.2.3", Commit: "abc", MaxData: options.MaxData,
		Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(handler)
	b.client = b.server.Client()
	b.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the engine ended with %v", err)
		}
	})
	t.Cleanup(func() {
		b.server.Close()
		b.stop()
		if err := store.Close(); err != nil {
			t.Errorf("the store closed with %v", err)
		}
		if b.log.Len() > 0 {
			t.Errorf("the API logged:\n%s", b.log)
		}
	})
	return b
}

// reply is an answer, read to its end.
type reply struct {
	*http.Response
	body []byte
}

// request is a request of a test.
type request struct {
	method, path string
	key          string // the operator's when ""; "none" for no key
	tenant       string
	body         any // a string or []byte is sent as it is; anything else as JSON
	header       map[string]string
}

func (b *bench) do(r request) reply {
	b.Helper()
	var body io.Reader
	switch text := r.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(text)
	case []byte:
		body = bytes.NewReader(text)
	default:
		encoded, err := json.Marshal(text)
		if err != nil {
			b.Fatal(err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(b.Context(), r.method, b.server.URL+r.path, body)
	if err != nil {
		b.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch r.key {
	case "":
		req.Header.Set("Authorization", "Bearer "+operatorKey)
	case "none":
	default:
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	if r.tenant != "" {
		req.Header.Set("Peal-Tenant", r.tenant)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	response, err := b.client.Do(req)
	if err != nil {
		b.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatalf("%s %s: read the answer: %v", r.method, r.path, err)
	}
	return reply{response, text}
}

// want sends a request that must be answered with status, and returns the answer.
func (b *bench) want(status int, r request) map[string]any {
	b.Helper()
	got := b.do(r)
	if got.StatusCode != status {
		b.Fatalf("%s %s answered %d, not %d: %s", r.method, r.path, got.StatusCode, status, got.body)
	}
	if len(got.body) == 0 {
		return nil
	}
	var value map[string]any
	if err := json.Unmarshal(got.body, &value); err != nil {
		b.Fatalf("%s %s answered no JSON object: %s", r.method, r.path, got.body)
	}
	return value
}

// refused sends a request that must be answered with a problem, and returns the locations of its
// faults.
func (b *bench) refused(status int, kind string, r request) []string {
	b.Helper()
	got := b.do(r)
	if got.StatusCode != status {
		b.Fatalf("%s %s answered %d, not %d: %s", r.method, r.path, got.StatusCode, status, got.body)
	}
	if media := got.Header.Get("Content-Type"); media != "application/problem+json" {
		b.Errorf("%s %s: the problem's type is %q", r.method, r.path, media)
	}
	var problem struct {
		Type, Title, Detail, Instance string
		Status                        int
		Errors                        []struct{ Location, Message string }
	}
	if err := json.Unmarshal(got.body, &problem); err != nil {
		b.Fatalf("%s %s: %v in %s", r.method, r.path, err, got.body)
	}
	if problem.Type != "urn:peal:error:"+kind || problem.Status != status || problem.Title == "" || problem.Detail == "" {
		b.Errorf("%s %s answered an incomplete or other problem than %s: %s", r.method, r.path, kind, got.body)
	}
	if id := got.Header.Get("X-Request-Id"); id == "" || problem.Instance != "urn:peal:request:"+id {
		b.Errorf("%s %s: the problem's instance %q is not the request id %q", r.method, r.path, problem.Instance, id)
	}
	var places []string
	for _, one := range problem.Errors {
		places = append(places, one.Location)
		if one.Message == "" {
			b.Errorf("%s %s says nothing about %s", r.method, r.path, one.Location)
		}
	}
	return places
}

// newKey creates a key of a tenant.
func (b *bench) newKey(tenant string, scopes ...peal.KeyScope) string {
	b.Helper()
	return b.want(201, request{method: "POST", path: "/v1/keys", tenant: tenant, body: map[string]any{"name": "test", "scopes": scopes}})["key"].(string)
}

// newWebhook creates a webhook of a tenant for a URL.
func (b *bench) newWebhook(tenant, url string, events ...string) string {
	b.Helper()
	return b.want(201, request{method: "POST", path: "/v1/webhooks", tenant: tenant, body: map[string]any{"url": url, "events": events}})["id"].(string)
}

// newSource creates a source of a tenant.
func (b *bench) newSource(tenant, body string) string {
	b.Helper()
	return b.want(201, request{method: "POST", path: "/v1/sources", tenant: tenant, body: body})["id"].(string)
}

// contents are all lists of a tenant and of the server: what a refused request must leave alone.
func (b *bench) contents(tenant string) string {
	b.Helper()
	var all strings.Builder
	for _, path := range []string{"events", "webhooks", "deliveries", "keys", "keys?operator=true", "event-types", "sources", "tenants", "users", "sessions", "portal-links"} {
		got := b.do(request{method: "GET", path: "/v1/" + path, tenant: tenant})
		if got.StatusCode != 200 {
			b.Fatalf("listing %s answered %d: %s", path, got.StatusCode, got.body)
		}
		all.WriteString(path + " " + string(got.body) + "\n")
	}
	return all.String()
}

// in is the same bench for a subtest.
func (b *bench) in(t *testing.T) *bench {
	copied := *b
	copied.TB = t
	return &copied
}
