package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/longtest"
)

// beyond lists rules that a JSON Schema cannot express. Where Schemathesis makes a request that
// the document allows, the value at the place is replaced, or left out when Value is nil.
var beyond = []struct {
	Operations []string `json:"operations"` // their ids; nil for all
	Place      string   `json:"place"`
	Value      any      `json:"value"`
	Add        bool     `json:"add"` // also where the place has no value
	why        string
}{
	{nil, "query.cursor", nil, false, "a cursor comes from the page before"},
	{[]string{"list-deliveries", "list-webhook-deliveries"}, "query.event", nil, false, "it cannot be combined with text or type"},
	{[]string{"list-deliveries", "list-webhook-deliveries", "list-events"}, "query.text", nil, false, "search is off by default"},
	{nil, "header.If-Match", nil, false, "an ETag comes from an answer"},
	{[]string{"create-webhook", "update-webhook"}, "body.filter", "data.id == 3", false, "an expression must compile"},
	{[]string{"create-webhook", "update-webhook"}, "body.transform", "{id: .data.id}", false, "a program must compile"},
	{[]string{"create-webhook", "update-webhook"}, "body.secret", nil, false, "the format decides what a secret looks like"},
	{[]string{"create-webhook", "update-webhook"}, "body.format", "standard", false, "the format decides what it needs and which headers are its own"},
	{[]string{"create-webhook", "update-webhook"}, "body.headers", map[string]string{"X-Extra": "1"}, false, "names that differ in case alone, and those of the connection, are refused"},
	{[]string{"create-webhook", "update-webhook"}, "body.client_certificate", nil, false, "a certificate must have its key"},
	{[]string{"create-webhook", "update-webhook"}, "body.authorization", "Bearer token", false, "[set] and [redacted] stand for a value that is there"},
	{[]string{"create-webhook", "update-webhook"}, "body.pins", nil, false, "pins need an https URL"},
	{[]string{"create-webhook", "update-webhook"}, "body.oauth2", nil, false, "it cannot be combined with authorization"},
	{[]string{"create-webhook", "update-webhook"}, "body.handshake", nil, false, "the endpoint must consent"},
	{[]string{"create-webhook", "update-webhook"}, "body.url", "https://example.test/hook", false, "the guard refuses addresses"},
	{[]string{"preview-webhook"}, "body.type", nil, false, "only one of event, type and last may be set"},
	{[]string{"preview-webhook"}, "body.last", nil, false, "only one of event, type and last may be set"},
	{[]string{"preview-webhook"}, "body.webhook", nil, false, "as for update-webhook"},
	{[]string{"rotate-webhook-secret", "rotate-source-secret"}, "body.secret", nil, false, "the format decides what a secret looks like"},
	{[]string{"create-source", "update-source"}, "body.format", "standard", false, "the format decides what a secret looks like"},
	{[]string{"create-source", "update-source"}, "body.secret", nil, false, "the format decides what a secret looks like"},
	{[]string{"create-source", "update-source"}, "body.unverified", true, true, "without a secret, unverified must be true"},
	{[]string{"create-key"}, "body.operator", nil, false, "an operator's key has no scopes"},
	{[]string{"create-key"}, "body.scopes", []string{"read"}, true, "a tenant's key must have scopes"},
	{[]string{"create-user"}, "body.name", "ada@example.test", false, "the name must be printable and without spaces, in any script"},
	{[]string{"put-event-type"}, "body.schema", map[string]any{"type": "object"}, false, "a schema must be valid JSON Schema"},
	{[]string{"replay-webhook"}, "body.since", "2026-01-01T00:00:00Z", false, "since must be before until"},
	{[]string{"replay-webhook"}, "body.until", "2026-02-01T00:00:00Z", false, "since must be before until"},
	{[]string{"replay-webhook"}, "body.missed", true, true, "without statuses, missed must be true"},
	{[]string{"create-tenant", "update-tenant"}, "body.quotas.webhooks", 10, false, "the largest number depends on limits.max_deliveries"},
}

// unchecked lists the checks of Schemathesis that an operation cannot pass.
var unchecked = []struct{ path, check, why string }{
	{"/v1/events/batch", "allow_header_conformance", "GET reads the event whose id is batch"},
}

// TestDocumentWithSchemathesis has Schemathesis generate requests from the document, right and wrong
// ones, and check every answer against it: as an operator and as a tenant.
func TestDocumentWithSchemathesis(t *testing.T) {
	program := schemathesis(t)
	rules, err := json.Marshal(beyond)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := filepath.Abs("../../test/python/hooks.py")
	if err != nil {
		t.Fatal(err)
	}
	examples := longtest.Count(t, "PEAL_TEST_EXAMPLES", 1, 2, 300)
	for _, caller := range []string{"operator", "tenant"} {
		t.Run(caller, func(t *testing.T) {
			b := newBench(t, toSink(t))
			key := operatorKey
			if caller == "tenant" {
				key = b.newKey("default", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead)
			}
			phases := map[string]string{"operator": "examples,coverage,stateful", "tenant": "fuzzing"}[caller]
			if longtest.Asked() {
				phases = "examples,coverage,fuzzing,stateful"
			}
			folder := t.TempDir()
			var config strings.Builder
			fmt.Fprintf(&config, "hooks = %q\n[checks]\nenabled = true\n", hooks)
			for _, one := range unchecked {
				fmt.Fprintf(&config, "[[operations]]\ninclude-path = %q\nchecks = { %s = { enabled = false } }\n", one.path, one.check)
			}
			if err := os.WriteFile(filepath.Join(folder, "schemathesis.toml"), []byte(config.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{
				"run", b.server.URL + "/v1/openapi.json", "--header", "Authorization: Bearer " + key, "--phases", phases,
				"--max-examples", strconv.Itoa(examples), "--generation-deterministic", "--generation-allow-x00", "false",
				"--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure", "--no-color", "--output-truncate", "false",
			}
			command := exec.CommandContext(t.Context(), program, args...)
			command.Dir = folder
			command.Env = append(os.Environ(), "PEAL_TEST_RULES="+string(rules), "COLUMNS=150", "PYTHONUTF8=1")
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v:\n%s", err, output)
			}
		})
	}
}

// toSink connects every request of the engine to a server of the test, for any URL.
func toSink(t *testing.T) func(*dispatch.Options) {
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	return func(o *dispatch.Options) {
		o.Egress.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", sink.Listener.Addr().String())
		}
	}
}

// schemathesis returns the program that scripts/test-deps has installed.
func schemathesis(t *testing.T) string {
	t.Helper()
	requirements, err := os.ReadFile("../../test/python/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "peal-tests", fmt.Sprintf("python-%x", sha256.Sum256(requirements))[:len("python-")+16], "bin", "schemathesis")
	needs(t, program)
	return program
}

// needs skips the test where a program is missing that scripts/test-deps installs.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := os.Stat(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("there is no %s: scripts/test-deps did not install it", program)
	}
	t.Skipf("there is no %s: run scripts/test-deps, which needs the network", program)
}

// TestDocumentWithRedocly lints the document.
func TestDocumentWithRedocly(t *testing.T) {
	program, err := filepath.Abs("../../test/npm/node_modules/.bin/redocly")
	if err != nil {
		t.Fatal(err)
	}
	needs(t, program)
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, newBench(t).do(request{method: "GET", path: "/v1/openapi.json", key: "none"}).body, 0o600); err != nil {
		t.Fatal(err)
	}
	// Probes and the document itself have no answer of 4xx.
	command := exec.CommandContext(t.Context(), program, "lint", file, "--extends=recommended-strict", "--skip-rule=operation-4xx-response")
	command.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "NO_COLOR=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, output)
	}
}
