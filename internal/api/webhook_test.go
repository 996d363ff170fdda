package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
)

func TestWebhookFromCreationToDeletion(t *testing.T) {
	b := newBench(t)
	made := b.do(request{method: "POST", path: "/v1/webhooks", body: `{"url":"http://127.0.0.1:1/x","events":"task.*"}`})
	if made.StatusCode != 201 {
		t.Fatalf("creating answered %d: %s", made.StatusCode, made.body)
	}
	id := strings.TrimPrefix(made.Header.Get("Location"), "/v1/webhooks/")
	if _, err := peal.ParseWebhookID(id); err != nil {
		t.Fatal(err)
	}
	path := "/v1/webhooks/" + id
	shown := b.do(request{method: "GET", path: path})
	if made.Header.Get("ETag") == "" || made.Header.Get("ETag") != shown.Header.Get("ETag") {
		t.Errorf("ETags %q and %q", made.Header.Get("ETag"), shown.Header.Get("ETag"))
	}
	hook := b.want(200, request{method: "GET", path: path})
	want := map[string]any{
		"id": id, "tenant": "default", "name": "", "url": "http://127.0.0.1:1/x", "events": []any{"task.*"}, "format": "standard",
		"headers": map[string]any{}, "authorization": nil, "extra_payload": nil, "uuid": nil,
		"retry_policy": map[string]any{
			"delays_seconds": []any{5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0},
			"jitter":         0.1, "disable_after_exhausted": 0.0, "disable_after_seconds": 432000.0,
		},
		"timeout_ms": 15000.0, "rate_limit": nil, "filter": nil, "handshake": false, "transform": nil, "description": "",
		"status": "active", "status_reason": nil, "managed": false,
		"health":             map[string]any{"exhausted_in_row": 0.0, "failing_since": nil, "certificate_expires_at": nil},
		"client_certificate": nil, "pins": []any{}, "oauth2": nil, "warnings": []any{},
		"created_at": hook["created_at"], "updated_at": hook["updated_at"],
	}
	if diff := cmp.Diff(want, hook); diff != "" {
		t.Error(diff)
	}
	secret := b.want(200, request{method: "GET", path: path + "/secret"})["secret"].(string)
	if !strings.HasPrefix(secret, "whsec_") || !strings.Contains(string(made.body), secret) {
		t.Errorf("the secret %q is not the one of the creation", secret)
	}
	if strings.Contains(string(shown.body), "whsec_") {
		t.Error("the secret is shown again")
	}

	changed := b.want(200, request{method: "PATCH", path: path, body: `{"name":"\t Büro <7> ","description":"<ours>","headers":{"X-Team":"a"},"retry_policy":{"delays_seconds":[0.5,60]},
		"rate_limit":{"per_second":2.5},"timeout_ms":1000,"authorization":"Bearer x","status":"paused"}`})
	for name, value := range map[string]any{
		"name": "Büro <7>", "description": "<ours>", "headers": map[string]any{"X-Team": "a"}, "timeout_ms": 1000.0, "authorization": "[set]", "status": "paused", "url": hook["url"],
		"retry_policy": map[string]any{"delays_seconds": []any{0.5, 60.0}, "jitter": 0.1, "disable_after_exhausted": 0.0, "disable_after_seconds": 432000.0},
		"rate_limit":   map[string]any{"per_second": 2.5, "burst": 1.0},
	} {
		if diff := cmp.Diff(value, changed[name]); diff != "" {
			t.Error(name, diff)
		}
	}
	kept := b.want(200, request{method: "PATCH", path: path, body: `{"authorization":"[set]"}`})
	if kept["authorization"] != "[set]" || kept["status"] != "paused" {
		t.Error("a change of nothing changed something:", kept)
	}
	reset := b.want(200, request{method: "PATCH", path: path, body: `{"name":null,"description":null,"headers":null,"retry_policy":null,"rate_limit":null,"timeout_ms":null,"authorization":null,"status":null}`})
	delete(reset, "updated_at")
	delete(want, "updated_at")
	if diff := cmp.Diff(want, reset); diff != "" {
		t.Error("after the reset:", diff)
	}
	b.want(204, request{method: "DELETE", path: path})
	for _, r := range []request{{method: "GET", path: path}, {method: "DELETE", path: path}, {method: "GET", path: path + "/secret"}, {method: "GET", path: path + "/deliveries"}} {
		b.refused(404, "not-found", r)
	}
}

func TestIfMatch(t *testing.T) {
	b := newBench(t)
	id := b.newWebhook("", "http://127.0.0.1:1/", "*")
	path := "/v1/webhooks/" + id
	tag := b.do(request{method: "GET", path: path}).Header.Get("ETag")
	patch := func(tag string) request {
		return request{method: "PATCH", path: path, body: `{"description":"x"}`, header: map[string]string{"If-Match": tag}}
	}
	b.want(200, patch(`"other", `+tag))
	b.refused(412, "precondition-failed", patch(tag))
	b.want(200, patch("*"))
	b.want(200, request{method: "PATCH", path: path, body: `{"description":"y"}`})
}

// TestConcurrentChanges changes one webhook at once from many sides: each is made.
func TestConcurrentChanges(t *testing.T) {
	b := newBench(t)
	path := "/v1/webhooks/" + b.newWebhook("", "http://127.0.0.1:1/", "*")
	fields := []string{"description", "uuid", "filter", "transform"}
	values := []string{"a", "b", "true", "."}
	var all sync.WaitGroup
	for i := range fields {
		all.Go(func() {
			r := b.do(request{method: "PATCH", path: path, body: map[string]string{fields[i]: values[i]}})
			if r.StatusCode != 200 {
				t.Errorf("changing %s answered %d: %s", fields[i], r.StatusCode, r.body)
			}
		})
	}
	all.Wait()
	hook := b.want(200, request{method: "GET", path: path})
	for i := range fields {
		if hook[fields[i]] != values[i] {
			t.Errorf("%s is %v, not %q", fields[i], hook[fields[i]], values[i])
		}
	}
}

func TestRotateSecret(t *testing.T) {
	b := newBench(t)
	path := "/v1/webhooks/" + b.newWebhook("", "http://127.0.0.1:1/", "*")
	rotate := func(status int, body string) map[string]any {
		t.Helper()
		return b.want(status, request{method: "POST", path: path + "/secret/rotate", body: body})
	}
	current := func() string {
		return b.want(200, request{method: "GET", path: path + "/secret"})["secret"].(string)
	}
	before := current()
	made := b.want(200, request{method: "POST", path: path + "/secret/rotate"})
	if made["secret"] == before || made["secret"] != current() || made["previous_expires_at"] == nil {
		t.Errorf("rotated to %v", made)
	}
	if made := rotate(200, `{"overlap_seconds":0}`); made["previous_expires_at"] != nil || made["secret"] != current() {
		t.Errorf("rotated without overlap to %v", made)
	}
	own := "whsec_" + strings.Repeat("QUJD", 12)
	if made := rotate(200, `{"overlap_seconds":2592000,"secret":"`+own+`"}`); made["secret"] != own || current() != own {
		t.Errorf("rotated to our own: %v", made)
	}
	for body, place := range map[string]string{
		`{"overlap_seconds":-1}`: "body.overlap_seconds", `{"overlap_seconds":2592001}`: "body.overlap_seconds", `{"overlap_seconds":1.5}`: "body.overlap_seconds",
		`{"secret":""}`: "body.secret", `{"secret":"` + own + `"}`: "body.secret", `{"secret":"short"}`: "body.secret", `{"secret":null}`: "body.secret", `{"x":1}`: "body.x",
	} {
		if places := b.refused(422, "invalid", request{method: "POST", path: path + "/secret/rotate", body: body}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	unsigned := b.want(201, request{method: "POST", path: "/v1/webhooks", body: `{"url":"http://127.0.0.1:1/","events":["*"],"format":"wireguard-portal"}`})
	if unsigned["secret"] != nil {
		t.Error("a format without signature got a secret")
	}
	b.refused(409, "conflict", request{method: "POST", path: "/v1/webhooks/" + unsigned["id"].(string) + "/secret/rotate"})
}

// TestWebhookLimits tries the limits of webhooks at both sides of each edge.
func TestWebhookLimits(t *testing.T) {
	b := newBench(t)
	with := func(members string) string {
		return `{"url":"http://127.0.0.1:1/","events":["*"],` + members + `}`
	}
	url := func(u string) string { return `{"events":["*"],"url":"` + u + `"}` }
	many := func(n int, one string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.ReplaceAll(one, "#", fmt.Sprint(i))
		}
		return strings.Join(parts, ",")
	}
	x := strings.Repeat
	tests := []struct {
		name, body string
		status     int
		places     string
	}{
		{"name at its longest", with(`"name":"` + x("ü", 100) + `"`), 201, ""},
		{"name a character longer", with(`"name":"` + x("ü", 101) + `"`), 422, "body.name"},
		{"name with a line break", with(`"name":"a\nb"`), 422, "body.name"},
		{"name that turns the direction", with(`"name":"a\u202eb"`), 422, "body.name"},
		{"name of another kind", with(`"name":7`), 422, "body.name"},
		{"url at its longest", url("http://127.0.0.1/" + x("x", 2048-17)), 201, ""},
		{"url a character longer", url("http://127.0.0.1/" + x("x", 2048-16)), 422, "body.url"},
		{"url with user info", url("http://u:p@127.0.0.1/"), 422, "body.url"},
		{"url with a fragment", url("http://127.0.0.1/#x"), 422, "body.url"},
		{"url of another scheme", url("ftp://127.0.0.1/"), 422, "body.url"},
		{"url relative", url("/x"), 422, "body.url"},
		{"url with a space", url("http://127.0.0.1/ x"), 422, "body.url"},
		{"url with a NUL", url(`http://127.0.0.1/\u0000`), 422, "body.url"},
		{"url null", `{"url":null,"events":["*"]}`, 422, "body.url"},
		{"url and events missing", `{}`, 422, "body.url body.events"},
		{"events empty", `{"url":"http://127.0.0.1/","events":[]}`, 422, "body.events"},
		{"events of numbers", `{"url":"http://127.0.0.1/","events":["a",1,null]}`, 422, "body.events[1] body.events[2]"},
		{"events with a bad pattern", `{"url":"http://127.0.0.1/","events":["a","b*"]}`, 422, "body.events[1]"},
		{"events at their most", `{"url":"http://127.0.0.1/","events":[` + many(100, `"a#"`) + `]}`, 201, ""},
		{"events one more", `{"url":"http://127.0.0.1/","events":[` + many(101, `"a#"`) + `]}`, 422, "body.events"},
		{"headers at their most", with(`"headers":{` + many(50, `"X-#":"v"`) + `}`), 201, ""},
		{"headers one more", with(`"headers":{` + many(51, `"X-#":"v"`) + `}`), 422, "body.headers"},
		{"a header at its longest", with(`"headers":{"X":"` + x("v", 4095) + `"}`), 201, ""},
		{"a header a byte longer", with(`"headers":{"X":"` + x("v", 4096) + `"}`), 422, "body.headers.X"},
		{"a header with a line break", with(`"headers":{"X":"a\r\nB: c"}`), 422, "body.headers.X"},
		{"a forbidden header", with(`"headers":{"content-length":"1"}`), 422, "body.headers.content-length"},
		{"a doubled header", with(`"headers":{"X":"1","X":"2"}`), 422, "body.headers.X"},
		{"a header of a number", with(`"headers":{"X":1}`), 422, "body.headers.X"},
		{"an unknown variable", with(`"headers":{"X":"{{NOPE}}"}`), 422, "body.headers.X"},
		{"headers no object", with(`"headers":["a"]`), 422, "body.headers"},
		{"authorization with a line break", with(`"authorization":"a\nb"`), 422, "body.authorization"},
		{"timeout at its shortest", with(`"timeout_ms":1000`), 201, ""},
		{"timeout shorter", with(`"timeout_ms":999`), 422, "body.timeout_ms"},
		{"timeout at its longest", with(`"timeout_ms":60000`), 201, ""},
		{"timeout longer", with(`"timeout_ms":60001`), 422, "body.timeout_ms"},
		{"timeout with a fraction", with(`"timeout_ms":1000.5`), 422, "body.timeout_ms"},
		{"timeout far too large", with(`"timeout_ms":99999999999999999999`), 422, "body.timeout_ms"},
		{"delays at their most", with(`"retry_policy":{"delays_seconds":[` + many(50, "1") + `]}`), 201, ""},
		{"delays one more", with(`"retry_policy":{"delays_seconds":[` + many(51, "1") + `]}`), 422, "body.retry_policy.delays_seconds"},
		{"no delays", with(`"retry_policy":{"delays_seconds":[]}`), 201, ""},
		{"a delay at its longest", with(`"retry_policy":{"delays_seconds":[604800]}`), 201, ""},
		{"a delay longer", with(`"retry_policy":{"delays_seconds":[1,604800.001]}`), 422, "body.retry_policy.delays_seconds[1]"},
		{"a delay far too long", with(`"retry_policy":{"delays_seconds":[1e300]}`), 422, "body.retry_policy.delays_seconds[0]"},
		{"a delay beyond numbers", with(`"retry_policy":{"delays_seconds":[1e999]}`), 422, "body.retry_policy.delays_seconds[0]"},
		{"a delay below zero", with(`"retry_policy":{"delays_seconds":[-1]}`), 422, "body.retry_policy.delays_seconds[0]"},
		{"jitter at its most", with(`"retry_policy":{"jitter":0.5}`), 201, ""},
		{"jitter more", with(`"retry_policy":{"jitter":0.51}`), 422, "body.retry_policy.jitter"},
		{"an unknown key inside", with(`"retry_policy":{"x":1,"jitter":"a"}`), 422, "body.retry_policy.x body.retry_policy.jitter"},
		{"null inside", with(`"retry_policy":{"jitter":null}`), 422, "body.retry_policy.jitter"},
		{"a rate of nothing", with(`"rate_limit":{"per_second":0,"burst":1}`), 422, "body.rate_limit"},
		{"a rate at its most", with(`"rate_limit":{"per_second":10000,"burst":10000}`), 201, ""},
		{"a burst beyond", with(`"rate_limit":{"per_second":1,"burst":10001}`), 422, "body.rate_limit"},
		{"a status that callers cannot set", with(`"status":"deleted"`), 422, "body.status"},
		{"an unknown format", with(`"format":"nope"`), 422, "body.format"},
		{"a secret that the format cannot use", with(`"secret":"nope"`), 422, "body.secret"},
		{"a secret where none is used", with(`"format":"wireguard-portal","secret":"x"`), 422, "body.secret"},
		{"an extra payload of no object", with(`"extra_payload":[1]`), 422, "body.extra_payload"},
		{"an extra payload", with(`"format":"dejacode","extra_payload":{"a":1.0}`), 201, ""},
		{"an extra payload too deep", with(`"format":"dejacode","extra_payload":{"a":` + x("[", 64) + x("]", 64) + `}`), 422, "body.extra_payload"},
		{"a filter that does not compile", with(`"filter":"data."`), 422, "body.filter"},
		{"a transform that does not compile", with(`"transform":".["`), 422, "body.transform"},
		{"a description at its longest", with(`"description":"` + x("x", 4096) + `"`), 201, ""},
		{"a description longer", with(`"description":"` + x("x", 4097) + `"`), 422, "body.description"},
		{"a description with half a pair", with(`"description":"\udc00"`), 422, "body.description"},
		{"a description with a NUL", with(`"description":"\u0000"`), 422, "body.description"},
		{"a description that means U+FFFD", with(`"description":"\uFFFD�"`), 201, ""},
		{"a read-only member", with(`"id":"x","managed":true`), 422, "body.id body.managed"},
		{"a member in another case", with(`"URL":"x"`), 422, "body.URL"},
		{"a doubled member", with(`"url":"x"`), 422, "body.url"},
		{"trailing text", with(`"uuid":"x"`) + "]", 400, "body"},
		{"truncated", `{"url":`, 400, "body"},
		{"invalid UTF-8", with("\"uuid\":\"\xff\""), 400, "body"},
		{"no body", ``, 400, "body"},
		{"an array", `[]`, 422, "body"},
		{"null", `null`, 422, "body"},
		{"too large", with(`"description":"` + x("x", 1<<20+16<<10) + `"`), 413, "body"},
	}
	hook := "/v1/webhooks/" + b.newWebhook("edges", "http://127.0.0.1:1/", "*")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := b.in(t)
			r := request{method: "POST", path: "/v1/webhooks", tenant: "edges", body: test.body}
			if test.status == 201 {
				made := b.want(201, r)
				b.want(204, request{method: "DELETE", path: "/v1/webhooks/" + made["id"].(string), tenant: "edges"})
				return
			}
			before := b.contents("edges")
			kind := map[int]string{400: "malformed", 413: "too-large", 422: "invalid"}[test.status]
			if places := strings.Join(b.refused(test.status, kind, r), " "); places != test.places {
				t.Errorf("creating is refused at %q, not %q", places, test.places)
			}
			if test.places != "body.url body.events" && test.name != "events empty" { // a change may leave those out
				r.method, r.path = "PATCH", hook
				if places := strings.Join(b.refused(test.status, kind, r), " "); places != test.places {
					t.Errorf("changing is refused at %q, not %q", places, test.places)
				}
			}
			if diff := cmp.Diff(before, b.contents("edges")); diff != "" {
				t.Error("a refused request changed something:", diff)
			}
		})
	}
}

func TestTestWebhook(t *testing.T) {
	b := newBench(t)
	status := 204
	var got []byte
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(status)
		if status != 204 {
			w.Write([]byte("sorry \xff"))
		}
	}))
	defer sink.Close()
	id := b.newWebhook("", sink.URL, "task.*")
	test := func(body any) map[string]any {
		t.Helper()
		return b.want(200, request{method: "POST", path: "/v1/webhooks/" + id + "/test", body: body})
	}
	good := test(nil)
	if good["success"] != true || good["attempt"].(map[string]any)["outcome"] != "success" {
		t.Errorf("the test came to %v", good)
	}
	b.want(200, request{method: "PATCH", path: "/v1/webhooks/" + id, body: `{"status":"disabled"}`})
	status = 500
	bad := test(`{"type":"task.created","data":{"x":1.0}}`)
	attempt := bad["attempt"].(map[string]any)
	if bad["success"] != false || attempt["reason"] != "status" || attempt["remedy"] == nil {
		t.Errorf("the failing test came to %v", bad)
	}
	if !strings.Contains(string(got), `"data":{"x":1.0}`) {
		t.Errorf("the endpoint got %s", got)
	}
	response := attempt["response"].(map[string]any)
	if response["status"] != 500.0 || response["body"] != nil || response["body_base64"] != "c29ycnkg/w==" {
		t.Errorf("the response on record is %v", response)
	}
	row := b.want(200, request{method: "GET", path: "/v1/deliveries/" + bad["delivery_id"].(string)})
	if row["test"] != true || row["status"] != "failed" || row["response_code"] != 500.0 || row["remedy"] == nil {
		t.Errorf("the delivery is %v", row)
	}
	for body, place := range map[string]string{`{"type":""}`: "body.type", `{"type":1}`: "body.type", `{"y":1}`: "body.y"} {
		if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/webhooks/" + id + "/test", body: body}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	b.refused(413, "too-large", request{method: "POST", path: "/v1/webhooks/" + id + "/test", body: `{"data":"` + strings.Repeat("x", 64<<10) + `"}`})
}
