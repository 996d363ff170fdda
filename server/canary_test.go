package server_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/server"
)

// canaries are secrets, one of each kind, that nobody may find again.
type canaries map[string]string

func plantCanaries() canaries {
	encryption := secret.NewKey()
	return canaries{
		"webhook secret":       "whsec_" + base64.StdEncoding.EncodeToString([]byte("canary-of-the-webhook-secret")),
		"authorization":        "Bearer canary-of-the-authorization",
		"header value":         "canary-of-the-api-key-header",
		"own header":           "canary-of-the-own-header",
		"variable":             "canary-of-the-variable",
		"operator key":         "canary-of-the-operator-key-0123456789",
		"source secret":        "canary-of-the-source-secret",
		"query of a URL":       "canary-of-the-query",
		"user in a URL":        "canary-of-the-userinfo",
		"encryption key":       base64.StdEncoding.EncodeToString(encryption[:]),
		"collector's header":   "canary-of-the-collector",
		"OAuth2 client secret": "canary-of-the-client-secret",
		"query of a token URL": "canary-of-the-token-query",
		"OpenID client secret": "canary-of-the-openid-secret",
		"proxy's password":     "canary-of-the-proxy",
		// "tenant's key" comes from the server
	}
}

// search looks for every canary in an output, as it is and as outputs may write it.
func (c canaries) search(t *testing.T, where, output string) {
	t.Helper()
	for kind, value := range c {
		for _, text := range []string{value, strings.TrimPrefix(value, "Bearer "), strings.TrimPrefix(value, "whsec_"), url.QueryEscape(value), base64.StdEncoding.EncodeToString([]byte(value))} {
			if i := strings.Index(output, text); i >= 0 {
				t.Errorf("the %s shows in %s: …%s…", kind, where, output[max(0, i-80):min(len(output), i+len(text)+20)])
				break
			}
		}
	}
}

// get returns an answer of the API with its head, for any status.
func get(t *testing.T, s *server.Server, key, method, path, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	response.Header.Write(&head)
	return response.Status + "\n" + head.String() + string(answer)
}

// echo answers with all that it was sent, which makes an output of what came.
func echo(t *testing.T, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization")+" "+r.URL.RawQuery)
		w.WriteHeader(status)
		io.WriteString(w, r.URL.String()+"\n")
		r.Header.Write(w)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestSecretsShowNowhere puts a known secret in every place for one, and searches all output of the
// server for it.
func TestSecretsShowNowhere(t *testing.T) {
	t.Parallel()
	c := plantCanaries()
	var log journal
	exports := make(chan string, 1000)
	traces := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		exports <- string(body)
	}))
	defer traces.Close()
	o := options(t)
	o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.OperatorKey, o.EncryptionKey = c["operator key"], c["encryption key"]
	o.Variables = map[string]string{"TOKEN": c["variable"]}
	o.RetryPolicy.Delays = []time.Duration{time.Millisecond}
	o.Telemetry = server.Telemetry{Endpoint: traces.URL, Headers: map[string]string{"X-Collector": c["collector's header"]}}
	secure, roots := secureEndpoint(t)
	o.Egress.RootCAs = roots
	s := start(t, o)
	operator := connect(t, "http://"+s.Addr(), o.OperatorKey)
	reader, err := operator.CreateKey(t.Context(), client.KeyRequest{Name: "reader", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	c["tenant's key"] = reader.Key

	delivery := useSecrets(t, c, operator, secure)
	outputs := map[string]string{"the metrics": get(t, s, o.OperatorKey, "GET", "/metrics", "")}
	for name, page := range pageOutputs(t, s, c, operator) {
		outputs[name] = page
	}
	paths := []string{"webhooks", "sources", "deliveries", "events", "event-types", "deliveries/" + delivery, "deliveries/" + delivery + "/attempts"}
	for _, path := range paths {
		outputs["GET "+path] = get(t, s, reader.Key, "GET", "/v1/"+path, "")
	}
	for _, path := range []string{"keys", "keys?operator=true", "tenants", "encryption", "deliveries/" + delivery + "/attempts", "users", "sessions", "portal-links", "audit-log", "audit-log/export?format=ndjson", "audit-log/export?format=csv"} {
		outputs["GET "+path+" of the operator"] = get(t, s, o.OperatorKey, "GET", "/v1/"+path, "")
	}
	for name, answer := range outputs {
		if strings.HasPrefix(name, "GET ") && !strings.HasPrefix(answer, "200 ") {
			t.Errorf("%s answers %.200s", name, answer)
		}
	}
	for name, answer := range refusals(t, s, c) {
		outputs[name] = answer
	}
	for name, output := range commandOutputs(t, s, c, delivery) {
		outputs[name] = output
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	outputs["the log"] = log.String()
	close(exports)
	for export := range exports {
		outputs["the traces"] += export
	}
	files, err := filepath.Glob(filepath.Join(o.Data, "*"))
	if err != nil || len(files) == 0 || outputs["the traces"] == "" || outputs["the log"] == "" {
		t.Fatalf("there is nothing to search: %d files, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		outputs["the file "+filepath.Base(file)] = string(content)
	}
	for where, output := range outputs {
		c.search(t, where, output)
	}
}

// useSecrets sends with all of them, to endpoints that succeed, fail and do not exist, and returns
// a failed delivery.
func useSecrets(t *testing.T, c canaries, operator *client.Client, secure string) (delivery string) {
	t.Helper()
	good, bad := echo(t, http.StatusOK), echo(t, http.StatusInternalServerError)
	var failing string
	once := 1
	for _, target := range []string{good, bad, "http://127.0.0.1:9", "http://localhost:9", redirecting(t), garbling(t)} {
		target += "/hook?token=" + c["query of a URL"]
		secret, authorization := c["webhook secret"], c["authorization"]
		w, err := operator.CreateWebhook(t.Context(), client.WebhookRequest{
			URL: &target, Events: []string{"*"}, Secret: &secret, Authorization: &authorization,
			Headers:     map[string]string{"X-Api-Key": c["header value"], "X-Var": "{{TOKEN}}", "X-Auth-Key": c["own header"]},
			RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: []float64{0.001}, DisableAfterExhausted: &once},
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(target, bad) {
			failing = w.ID
		}
	}
	webhooks := 6 + useEndpointSecrets(t, c, operator, secure)
	sourceSecret := c["source secret"]
	format := "vikunja"
	if _, err := operator.CreateSource(t.Context(), client.SourceCreateRequest{Name: "in", SourceRequest: client.SourceRequest{Format: &format, Secret: &sourceSecret}}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.Publish(t.Context(), client.NewEvent{Type: "task.created", Data: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		deliveries, err := operator.Deliveries(t.Context(), client.DeliveriesQuery{})
		if err != nil {
			t.Fatal(err)
		}
		pending := 0
		for _, d := range deliveries.Data {
			if d.Status == "pending" {
				pending++
			}
			if d.WebhookID == failing {
				delivery = d.ID
			}
		}
		if len(deliveries.Data) != webhooks || pending > 0 {
			return fmt.Errorf("%d of %d deliveries are pending", pending, len(deliveries.Data))
		}
		return nil
	})
	return delivery
}

// refusals are answers to requests that hold secrets in the wrong places.
func refusals(t *testing.T, s *server.Server, c canaries) map[string]string {
	t.Helper()
	key := c["operator key"]
	answers := make(map[string]string)
	for name, body := range map[string]string{
		"user in a URL":    `{"url":"https://user:` + c["user in a URL"] + `@example.com/","events":["*"]}`,
		"broken JSON":      `{"url":"https://example.com/?token=` + c["query of a URL"] + `","authorization":"` + c["authorization"] + `",`,
		"wrong types":      `{"url":{"x":"` + c["query of a URL"] + `"},"events":["*"],"secret":["` + c["webhook secret"] + `"]}`,
		"a wrong secret":   `{"url":"https://example.com/","events":["*"],"secret":"` + c["webhook secret"] + `!"}`,
		"a wrong header":   `{"url":"https://example.com/","events":["*"],"headers":{"X-A":"` + c["header value"] + `\n"}}`,
		"a blocked target": `{"url":"http://169.254.169.254/?token=` + c["query of a URL"] + `","events":["*"]}`,
		"a wrong scheme":   `{"url":"ftp://example.com/?token=` + c["query of a URL"] + `","events":["*"]}`,
	} {
		answers["the answer to "+name] = get(t, s, key, "POST", "/v1/webhooks", body)
	}
	answers["the answer to a wrong key"] = get(t, s, c["operator key"]+"x", "GET", "/v1/webhooks", "")
	answers["the answer to a secret in the path"] = get(t, s, "no key", "GET", "/v1/webhooks/x", "")
	return answers
}

// commandOutputs are those of the command line, which an operator may paste anywhere.
func commandOutputs(t *testing.T, s *server.Server, c canaries, delivery string) map[string]string {
	t.Helper()
	program, outputs, dir := buildPeal(t), make(map[string]string), t.TempDir()
	webhooks := "webhooks:\n- name: one\n  url: https://example.com/?token=" + c["query of a URL"] + "\n  events: [a]\n  secret: " + c["webhook secret"] +
		"\n  authorization: " + c["authorization"] + "\n  headers: {X-Api-Key: " + c["header value"] + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "canary.yaml"), []byte(webhooks), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"config print", "config print --json", "config print --config canary.yaml", "config print --json --config canary.yaml", "webhooks list", "audit --json", "users list --json", "keys list", "sources list --json", "deliveries show " + delivery,
		"attempts list " + delivery, "attempts list --json " + delivery, "keys revoke nonsense", "serve --listen nonsense", "serve --max-data nonsense",
	} {
		cmd := exec.CommandContext(t.Context(), program, strings.Fields(command)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PEAL_URL=http://"+s.Addr(), "PEAL_SERVER=http://"+s.Addr(), "PEAL_KEY="+c["operator key"],
			"PEAL_OPERATOR_KEY="+c["operator key"], "PEAL_ENCRYPTION_KEY="+c["encryption key"], `PEAL_VARIABLES={"TOKEN":"`+c["variable"]+`"}`,
			`PEAL_TELEMETRY_OTLP_HEADERS={"X":"`+c["collector's header"]+`"}`, "PEAL_DATABASE=sqlite:x.db",
			"PEAL_EGRESS_PROXY=http://user:"+c["proxy's password"]+"@127.0.0.1:9", "PEAL_OIDC_ISSUER=https://id.example.com", "PEAL_OIDC_CLIENT_ID=peal", "PEAL_OIDC_CLIENT_SECRET="+c["OpenID client secret"])
		out, err := cmd.CombinedOutput()
		if len(out) == 0 {
			t.Errorf("peal %s printed nothing: %v", command, err)
		}
		outputs["peal "+command] = string(out)
	}
	return outputs
}
