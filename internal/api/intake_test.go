package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

func signed(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// vikunja is a request as Vikunja signs it.
func vikunja(path, secret, body string) request {
	return request{method: "POST", path: path, key: "none", body: body, header: map[string]string{"X-Vikunja-Signature": signed(secret, body)}}
}

const vikunjaBody = `{"event_name":"task.created","time":"2026-11-21T20:31:42.470554681+01:00","data":{"id":7}}`

// counts returns the counts of a source of the tenant default.
func (b *bench) counts(id string) map[string]any {
	b.Helper()
	return b.want(200, request{method: "GET", path: "/v1/sources/" + id})["counts"].(map[string]any)
}

func TestIntakeWithoutIDs(t *testing.T) {
	b := newBench(t)
	id := b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"s"}`)
	first := b.want(202, vikunja("/in/tasks", "s", vikunjaBody))
	second := b.want(202, vikunja("/in/default/tasks", "s", vikunjaBody))
	if first["id"] == second["id"] || first["type"] != "task.created" || first["duplicate"] != false {
		t.Errorf("answered %v and %v", first, second)
	}
	b.want(200, request{method: "PATCH", path: "/v1/sources/" + id, body: `{"dedup":"body"}`})
	third := b.want(202, vikunja("/in/"+id, "s", vikunjaBody))
	again := b.want(200, vikunja("/in/tasks", "s", vikunjaBody))
	if third["id"] != again["id"] || again["duplicate"] != true || !strings.HasPrefix(third["id"].(string), "tasks:sha256-") {
		t.Errorf("answered %v and %v", third, again)
	}
	b.want(202, vikunja("/in/tasks", "s", vikunjaBody+" "))
	if got := b.counts(id); got["accepted"] != 4.0 || got["duplicate"] != 1.0 || got["refused"] != 0.0 || got["last_accepted_at"] == nil {
		t.Errorf("counted %v", got)
	}
}

// TestIntakeWithIDs: what Peal itself sends in a format comes back in through a
// source of that format, once.
func TestIntakeWithIDs(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"standard", "x-webhook", "github", "stripe", "cloudevents", "cloudevents-binary"} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			format, _ := wire.Lookup(name)
			secret := format.NewSecret()
			event := &peal.Event{Key: peal.NewEventKey(), Tenant: "default", Type: "task.created", Data: []byte(`{"n":1.50}`)}
			event.ID = "their-" + name
			webhook := &peal.Webhook{ID: peal.NewWebhookID(), URL: "http://x/", Format: name}
			if secret == "" {
				secret = "Bearer t"
				webhook.Authorization = secret
			} else {
				webhook.Secrets = []peal.Secret{{Value: secret}}
			}
			sent, err := format.Request(&wire.Input{Event: event, Webhook: webhook, DeliveryID: peal.NewDeliveryID(), Time: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			id := b.newSource("default", `{"name":"`+name+`","format":"`+name+`","secret":"`+secret+`"}`)
			r := request{method: "POST", path: "/in/" + name, key: "none", body: sent.Body, header: map[string]string{}}
			for header, values := range sent.Header {
				r.header[header] = values[0]
			}
			taken := b.want(202, r)
			if again := b.want(200, r); again["id"] != taken["id"] || again["duplicate"] != true || taken["type"] != "task.created" {
				t.Errorf("answered %v and %v", taken, again)
			}
			if !strings.HasPrefix(taken["id"].(string), name+":") {
				t.Errorf("the event's id is %v", taken["id"])
			}
			shown := b.want(200, request{method: "GET", path: "/v1/events/" + taken["id"].(string)})
			if shown["type"] != "task.created" {
				t.Errorf("the event is %v", shown)
			}
			if got := b.counts(id); got["accepted"] != 1.0 || got["duplicate"] != 1.0 {
				t.Errorf("counted %v", got)
			}
		})
	}
}

func TestIntakeRefuses(t *testing.T) {
	b := newBench(t)
	id := b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"s"}`)
	hook := b.newSource("default", `{"name":"gh","format":"github","secret":"s"}`)
	big := `{"event_name":"t","data":"` + strings.Repeat("x", 64<<10) + `"}`
	huge := `{"event_name":"t","data":"` + strings.Repeat("x", 80<<10) + `"}`
	encoded := vikunja("/in/tasks", "s", vikunjaBody)
	encoded.header["Content-Encoding"] = "gzip"
	unnamed := request{method: "POST", path: "/in/gh", key: "none", body: `{}`, header: map[string]string{"X-Hub-Signature-256": "sha256=" + signed("s", `{}`)}}
	for _, test := range []struct {
		name   string
		r      request
		status int
		kind   string
		place  string
		says   string // the last refusal, in part
	}{
		{"unsigned", request{method: "POST", path: "/in/tasks", key: "none", body: vikunjaBody}, 401, "unauthorized", "", "X-Vikunja-Signature is missing"},
		{"another secret", vikunja("/in/tasks", "t", vikunjaBody), 401, "unauthorized", "", "does not match"},
		{"an operator's key is none", request{method: "POST", path: "/in/tasks", body: vikunjaBody}, 401, "unauthorized", "", "is missing"},
		{"no JSON", vikunja("/in/tasks", "s", `{"event_name":`), 400, "malformed", "body", "not valid JSON"},
		{"no type", vikunja("/in/tasks", "s", `{"data":1}`), 422, "invalid", "body.event_name", "is missing"},
		{"a bad time", vikunja("/in/tasks", "s", `{"event_name":"t","time":"now","data":1}`), 422, "invalid", "body.time", "time"},
		{"no event header", unnamed, 422, "invalid", "header.X-GitHub-Event", ""},
		{"too large", vikunja("/in/tasks", "s", big), 413, "too-large", "body.data", "data"},
		{"far too large", vikunja("/in/tasks", "s", huge), 413, "too-large", "body", "too large"},
		{"encoded", encoded, 415, "unsupported-media-type", "", "gzip"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := b.in(t)
			source := id
			if test.r.path == "/in/gh" {
				source = hook
			}
			before := b.counts(source)["refused"].(float64)
			places := b.refused(test.status, test.kind, test.r)
			if test.place != "" && !slices.Contains(places, test.place) {
				t.Errorf("refused at %q", places)
			}
			after := b.counts(source)
			if text, _ := after["last_refusal"].(string); after["refused"] != before+1 || !strings.Contains(text, test.says) {
				t.Errorf("counted %v", after)
			}
		})
	}
	if events := b.want(200, request{method: "GET", path: "/v1/events"})["data"].([]any); len(events) != 0 {
		t.Errorf("kept %v", events)
	}
	if got := b.do(vikunja("/in/tasks", "t", vikunjaBody)).Header.Get("WWW-Authenticate"); got == "" {
		t.Error("a 401 without WWW-Authenticate")
	}
}

// TestIntakeAddresses: a source is found by its id, and by its name in its tenant
// unless anybody may send.
func TestIntakeAddresses(t *testing.T) {
	b := newBench(t)
	closed := b.newSource("acme", `{"name":"closed","format":"vikunja","secret":"s"}`)
	open := b.newSource("acme", `{"name":"open","format":"vikunja","unverified":true}`)
	ours := b.newSource("default", `{"name":"open","format":"vikunja","unverified":true}`)
	for path, want := range map[string]int{
		"/in/" + closed: 202, "/in/acme/closed": 202, "/in/" + open: 202, "/in/" + ours: 202,
		"/in/closed": 404, "/in/open": 404, "/in/acme/open": 404, "/in/default/open": 404, "/in/other/closed": 404,
		"/in/nothing": 404, "/in/source_01h455vb4pex5vsknk084sn02q": 404, "/in/%00": 404, "/in/a%20b/closed": 404,
	} {
		if got := b.do(vikunja(path, "s", vikunjaBody)); got.StatusCode != want {
			t.Errorf("%s answered %d: %s", path, got.StatusCode, got.body)
		}
	}
	for tenant, want := range map[string]int{"acme": 3, "default": 1, "other": 0} {
		if events := b.want(200, request{method: "GET", path: "/v1/events", tenant: tenant})["data"].([]any); len(events) != want {
			t.Errorf("tenant %s has %d events, want %d", tenant, len(events), want)
		}
	}
}

func TestDisabledSource(t *testing.T) {
	b := newBench(t)
	id := b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"s"}`)
	b.want(202, vikunja("/in/tasks", "s", vikunjaBody))
	b.want(200, request{method: "PATCH", path: "/v1/sources/" + id, body: `{"status":"disabled"}`})
	b.refused(403, "forbidden", vikunja("/in/tasks", "s", vikunjaBody))
	b.refused(401, "unauthorized", vikunja("/in/tasks", "t", vikunjaBody))
	b.want(200, request{method: "PATCH", path: "/v1/sources/" + id, body: `{"status":"active"}`})
	b.want(202, vikunja("/in/tasks", "s", vikunjaBody))
	if got := b.counts(id); got["accepted"] != 2.0 || got["refused"] != 2.0 {
		t.Errorf("counted %v", got)
	}
}

func TestRotateSourceSecret(t *testing.T) {
	b := newBench(t)
	id := b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"one"}`)
	rotate := func(body string) map[string]any {
		return b.want(200, request{method: "POST", path: "/v1/sources/" + id + "/secret/rotate", body: body})
	}
	made := rotate(`{"overlap_seconds":60}`)
	second := made["secret"].(string)
	if len(second) < 32 || made["previous_expires_at"] == nil {
		t.Errorf("rotated to %v", made)
	}
	b.want(202, vikunja("/in/tasks", "one", vikunjaBody))
	b.want(202, vikunja("/in/tasks", second, vikunjaBody))
	if got := rotate(`{"overlap_seconds":0,"secret":"three"}`); got["secret"] != "three" || got["previous_expires_at"] != nil {
		t.Errorf("rotated to %v", got)
	}
	b.refused(401, "unauthorized", vikunja("/in/tasks", "one", vikunjaBody))
	b.refused(401, "unauthorized", vikunja("/in/tasks", second, vikunjaBody))
	b.want(202, vikunja("/in/tasks", "three", vikunjaBody))

	vpn := b.newSource("default", `{"name":"vpn","format":"wireguard-portal","secret":"Basic x"}`)
	got := b.want(200, request{method: "POST", path: "/v1/sources/" + vpn + "/secret/rotate"})
	sent := request{method: "POST", path: "/in/vpn", key: "none", body: `{"event":"connect","entity":"peer","identifier":"p","payload":{}}`}
	for _, value := range []string{got["secret"].(string), "Basic x"} {
		sent.header = map[string]string{"Authorization": value}
		b.want(202, sent)
	}
	for body, place := range map[string]string{`{"secret":""}`: "body.secret", `{"secret":"three"}`: "body.secret", `{"overlap_seconds":-1}`: "body.overlap_seconds"} {
		if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/sources/" + id + "/secret/rotate", body: body}); !slices.Contains(places, place) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	open := b.newSource("default", `{"name":"open","format":"dejacode","unverified":true}`)
	b.refused(409, "conflict", request{method: "POST", path: "/v1/sources/" + open + "/secret/rotate"})
}

// TestConsent is the inbound half of the CloudEvents handshake.
func TestConsent(t *testing.T) {
	b := newBench(t)
	b.newSource("default", `{"name":"events","format":"cloudevents","secret":"Bearer s"}`)
	b.newSource("acme", `{"name":"binary","format":"cloudevents-binary","secret":"Bearer s"}`)
	b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"s"}`)
	b.newSource("default", `{"name":"off","format":"cloudevents","secret":"s","status":"disabled"}`)
	ask := func(path string, headers ...string) reply {
		r := request{method: "OPTIONS", path: path, key: "none", header: map[string]string{}}
		for i := 0; i < len(headers); i += 2 {
			r.header[headers[i]] = headers[i+1]
		}
		return b.do(r)
	}
	for _, path := range []string{"/in/events", "/in/acme/binary"} {
		got := ask(path, "WebHook-Request-Origin", "emitter.example.com", "WebHook-Request-Rate", "120")
		if got.StatusCode != 200 || got.Header.Get("WebHook-Allowed-Origin") != "emitter.example.com" || got.Header.Get("WebHook-Allowed-Rate") != "*" || got.Header.Get("Allow") != "POST" {
			t.Errorf("%s answered %d %v", path, got.StatusCode, got.Header)
		}
	}
	for path, want := range map[string]int{"/in/tasks": 405, "/in/off": 405, "/in/nothing": 404} {
		got := ask(path, "WebHook-Request-Origin", "emitter.example.com")
		if got.StatusCode != want || got.Header.Get("WebHook-Allowed-Origin") != "" {
			t.Errorf("%s answered %d %v", path, got.StatusCode, got.Header)
		}
	}
	for _, origin := range []string{"", "two words", strings.Repeat("x", 254)} {
		if got := ask("/in/events", "WebHook-Request-Origin", origin); got.StatusCode != 422 || got.Header.Get("WebHook-Allowed-Origin") != "" {
			t.Errorf("the origin %q answered %d", origin, got.StatusCode)
		}
	}
}

// TestIntakeWhileStopping: what the engine cannot take now is the sender's to repeat,
// and no fault of the sender's.
func TestIntakeWhileStopping(t *testing.T) {
	b := newBench(t, func(o *dispatch.Options) { o.StopGrace = 0 })
	id := b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"s"}`)
	b.stop()
	got := b.do(vikunja("/in/tasks", "s", vikunjaBody))
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("answered %d %v", got.StatusCode, got.Header)
	}
	if counts := b.counts(id); counts["refused"] != 0.0 {
		t.Errorf("counted %v", counts)
	}
	b.log.Reset() // it says that requests failed, rightly
}
