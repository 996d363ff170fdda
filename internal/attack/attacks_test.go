package attack_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// attacks is everything that the hostile tenant, its visitor and a stranger do at the
// same time. Each was found to take from others what is theirs, or might.
var attacks = []*attack{
	{name: "programs that fill the memory", workers: 2, pause: 100 * time.Millisecond, prepare: saveTransforms, run: publishOne("memory.filled")},
	{name: "filters that take all the time", workers: 2, pause: 50 * time.Millisecond, prepare: saveFilters, run: publishBatch("filter.heavy", 100)},
	{name: "previews of heavy programs", workers: 2, pause: 50 * time.Millisecond, prepare: savePreviewed, run: preview},
	{name: "a batch to very many webhooks", workers: 2, pause: 50 * time.Millisecond, prepare: saveFanOut, run: publishBatch("fan.out", 1000)},
	{name: "thousands of signatures", workers: 2, pause: 100 * time.Millisecond, run: signatures},
	{name: "forms before anybody is known", workers: 20, pause: 50 * time.Millisecond, run: largeForms},
	{name: "passwords", workers: 4, pause: 50 * time.Millisecond, run: guessPasswords},
	{name: "bodies that do not come", workers: 60, pause: 100 * time.Millisecond, run: slowBody},
	{name: "bodies of a source that do not come", workers: 100, pause: 100 * time.Millisecond, run: slowSourceBody},
	{name: "silent connections", workers: 100, pause: 100 * time.Millisecond, run: silent},
	{name: "tests against endpoints that hang", workers: 10, pause: 50 * time.Millisecond, prepare: saveBadEndpoints, run: testBadEndpoints},
	{name: "endpoints of every bad kind", workers: 1, pause: 100 * time.Millisecond, prepare: saveBadEndpoints, run: publishBatch("bad.endpoint", 20)},
	{name: "largest events to a dead endpoint", workers: 2, pause: 50 * time.Millisecond, prepare: saveDead, run: publishLargest},
	{name: "webhooks saved and deleted without end", workers: 2, pause: 20 * time.Millisecond, run: churn},
	{name: "live pages", workers: 80, pause: 100 * time.Millisecond, run: stream},
	{name: "lists and pages", workers: 3, pause: 20 * time.Millisecond, run: browse},
	{name: "replays", workers: 2, pause: 100 * time.Millisecond, prepare: saveDead, run: replayAll},
	{name: "keys and sources without end", workers: 2, pause: 20 * time.Millisecond, run: hoard},
}

type object = map[string]any

// save adds a webhook of the tenant.
func (h *hostile) save(ctx context.Context, a *attack, webhook object) string {
	if webhook["url"] == nil {
		webhook["url"] = h.endpoint + "/ok"
	}
	who := h.key
	if h.preparing != nil {
		who = h.preparing
	}
	status, text := who.json(ctx, "POST", "/v1/webhooks", webhook)
	h.note(ctx, a, status, text)
	if status != http.StatusCreated {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// heavyTransforms are programs that once went past every limit.
var heavyTransforms = []string{
	`("%999Y" * 400000) as $f | 0 | strftime($f) | length`,
	`[limit(100000; repeat("xxxxxxxxxx"))] | tojson | length`,
	`reduce range(60) as $i ([0]; [., .]) | tojson | length`,
	`("[" * 5000) + ("]" * 5000) | try fromjson catch . | length`,
	`[range(1000000)] | map(tostring) | join(",") | length`,
	`reduce range(40) as $i ("x"; . + .) | length`,
	`-(("9" * 8000) | tonumber) | tostring | length`,
	`("{}," * 100000 | "[" + . + "{}]") | fromjson | length`,
	`[splits("a*b*c*"; "g")] | length`,
	`("a" * 100000) | test("(a*)*b")`,
	`def f: f; f`,
	`[recurse(if . < 10000 then .+1 else empty end)] | length`,
}

func saveTransforms(ctx context.Context, h *hostile, a *attack) {
	for _, program := range heavyTransforms {
		h.save(ctx, a, object{"events": []string{"memory.filled"}, "transform": program})
	}
}

func saveFilters(ctx context.Context, h *hostile, a *attack) {
	for i := range 60 {
		h.save(ctx, a, object{"events": []string{"filter.heavy"}, "filter": fmt.Sprintf(
			`all(1..1000, all(1..1000, # > 0 && data.text matches "(a|b)*c%d"))`, i)})
		h.save(ctx, a, object{"events": []string{"filter.heavy"}, "filter": fmt.Sprintf(`any(data.items, any(data.items, # == "%d")) && data.n > %d`, i, i)})
	}
}

func saveFanOut(ctx context.Context, h *hostile, a *attack) {
	for range 300 {
		if h.save(ctx, a, object{"events": []string{"fan.out"}}) == "" {
			return
		}
	}
}

func publishOne(kind string) func(context.Context, *hostile, *attack) {
	return func(ctx context.Context, h *hostile, a *attack) {
		status, text := h.key.json(ctx, "POST", "/v1/events", object{"type": kind, "data": 0})
		h.note(ctx, a, status, text)
	}
}

func publishBatch(kind string, size int) func(context.Context, *hostile, *attack) {
	items := `["` + strings.Repeat(`a","`, 200) + `b"]`
	if size > 100 {
		items = `[]`
	}
	event := `{"type":"` + kind + `","data":{"n":1,"text":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa","items":` + items + `}}`
	body := []byte(`{"events":[` + strings.Repeat(event+",", size-1) + event + `]}`)
	return func(ctx context.Context, h *hostile, a *attack) {
		status, text := h.key.json(ctx, "POST", "/v1/events/batch", body)
		h.note(ctx, a, status, text)
	}
}

func savePreviewed(ctx context.Context, h *hostile, a *attack) {
	id := h.save(ctx, a, object{"events": []string{"never"}})
	h.mu.Lock()
	previewed = id
	h.mu.Unlock()
}

var preview = func() func(context.Context, *hostile, *attack) {
	var next int
	return func(ctx context.Context, h *hostile, a *attack) {
		h.mu.Lock()
		next++
		program, id := heavyTransforms[next%len(heavyTransforms)], previewed
		who := h.key
		if next%2 == 0 {
			who = h.portal
		}
		h.mu.Unlock()
		status, text := who.json(ctx, "POST", "/v1/webhooks/"+id+"/preview", object{
			"event": object{"type": "never", "data": 0}, "webhook": object{"transform": program}})
		h.note(ctx, a, status, text)
	}
}()

// previewed is the webhook that previews are made of. [hostile].mu guards it.
var previewed string

// signatures is one request without a key that has as many signatures as a head can hold.
func signatures(ctx context.Context, h *hostile, a *attack) {
	r, err := http.NewRequestWithContext(ctx, "POST", h.s.url+h.source, strings.NewReader(`{"type":"a","data":"`+strings.Repeat("x", 250<<10)+`"}`))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("webhook-id", "msg_1")
	r.Header.Set("webhook-timestamp", fmt.Sprint(time.Now().Unix()))
	r.Header.Set("webhook-signature", strings.Repeat("v1,AAAA ", 3500)+"v1,AAAA")
	response, err := h.s.http.Do(r)
	if err != nil {
		h.note(ctx, a, 0, []byte(err.Error()))
		return
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	h.note(ctx, a, response.StatusCode, text)
}

var largeForm = []byte("name=" + strings.Repeat("a", 3<<20))

func largeForms(ctx context.Context, h *hostile, a *attack) {
	status, text := h.stranger.send(ctx, "POST", "/login", "application/x-www-form-urlencoded", largeForm)
	h.note(ctx, a, status, text)
}

func guessPasswords(ctx context.Context, h *hostile, a *attack) {
	status, text := h.stranger.send(ctx, "POST", "/login", "application/x-www-form-urlencoded", []byte("name=ann@example.com&password=wrong-wrong-wrong"))
	h.note(ctx, a, status, text)
}

// opened is noted for a connection of which no answer is expected.
const opened = 1

// trickle opens a connection, sends a head that announces a large body, and almost
// nothing of the body.
func trickle(ctx context.Context, h *hostile, a *attack, head string) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", h.s.address)
	if err != nil {
		h.note(ctx, a, 0, []byte(err.Error()))
		return
	}
	defer connection.Close()
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	defer stop()
	io.WriteString(connection, head)
	h.note(ctx, a, opened, nil)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return // it was cut off
	}
	h.note(ctx, a, response.StatusCode, nil)
}

func slowBody(ctx context.Context, h *hostile, a *attack) {
	trickle(ctx, h, a, "POST /v1/events/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+h.key.key+
		"\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n{")
}

func slowSourceBody(ctx context.Context, h *hostile, a *attack) {
	trickle(ctx, h, a, "POST "+h.source+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 250000\r\n\r\n{")
}

func silent(ctx context.Context, h *hostile, a *attack) { trickle(ctx, h, a, "GET / HTTP/1.1\r\n") }

var badKinds = []string{"hang", "drip", "endless", "twice", "fail", "redirect"}

func saveBadEndpoints(ctx context.Context, h *hostile, a *attack) {
	for i := range 24 {
		kind := badKinds[i%len(badKinds)]
		id := h.save(ctx, a, object{"url": fmt.Sprintf("%s/%s/%d", h.endpoint, kind, i), "events": []string{"bad.endpoint"}, "timeout_ms": 20_000,
			"retry_policy": object{"delays_seconds": []float64{0.1, 0.1, 0.1, 0.1}}})
		h.mu.Lock()
		if id != "" {
			badWebhooks = append(badWebhooks, id)
		}
		h.mu.Unlock()
	}
}

// badWebhooks are those of bad endpoints. [hostile].mu guards it.
var badWebhooks []string

func testBadEndpoints(ctx context.Context, h *hostile, a *attack) {
	h.mu.Lock()
	if len(badWebhooks) == 0 {
		h.mu.Unlock()
		return
	}
	id := badWebhooks[int(time.Now().UnixNano()/1000)%len(badWebhooks)]
	h.mu.Unlock()
	// The caller disconnects early; its work must not continue.
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	status, text := h.key.json(short, "POST", "/v1/webhooks/"+id+"/test", object{"type": "test.event"})
	h.note(ctx, a, status, text)
}

func saveDead(ctx context.Context, h *hostile, a *attack) {
	id := h.save(ctx, a, object{"url": "http://127.0.0.1:1/dead", "events": []string{"large.dead"}})
	h.mu.Lock()
	if id != "" {
		deadWebhook = id
	}
	h.mu.Unlock()
}

// deadWebhook is one of an endpoint that refuses connections. [hostile].mu guards it.
var deadWebhook string

var largest = []byte(`{"type":"large.dead","data":"` + strings.Repeat("z", 200<<10) + `"}`)

func publishLargest(ctx context.Context, h *hostile, a *attack) {
	status, text := h.key.json(ctx, "POST", "/v1/events", largest)
	h.note(ctx, a, status, text)
}

func churn(ctx context.Context, h *hostile, a *attack) {
	id := h.save(ctx, a, object{"events": []string{"churn.*"}, "filter": fmt.Sprintf("data.n > %d", time.Now().UnixNano())})
	if id == "" {
		return
	}
	status, text := h.key.json(ctx, "PATCH", "/v1/webhooks/"+id, object{"status": "paused"})
	h.note(ctx, a, status, text)
	status, text = h.key.json(ctx, "DELETE", "/v1/webhooks/"+id, nil)
	h.note(ctx, a, status, text)
}

// stream holds a live page open as long as it can.
func stream(ctx context.Context, h *hostile, a *attack) {
	r, err := http.NewRequestWithContext(ctx, "GET", h.s.url+"/portal/deliveries/stream", nil)
	if err != nil {
		return
	}
	r.Header.Set("Cookie", h.portal.cookie)
	response, err := h.s.http.Do(r)
	if err != nil {
		h.note(ctx, a, 0, []byte(err.Error()))
		return
	}
	defer response.Body.Close()
	h.note(ctx, a, response.StatusCode, nil)
	io.Copy(io.Discard, response.Body)
}

func browse(ctx context.Context, h *hostile, a *attack) {
	for _, path := range []string{"/v1/deliveries?limit=200", "/v1/events?limit=200", "/v1/deliveries?status=failed&limit=200", "/v1/webhooks?limit=200"} {
		status, text := h.key.send(ctx, "GET", path, "", nil)
		h.note(ctx, a, status, text)
	}
	for _, path := range []string{"/portal/", "/portal/deliveries", "/portal/events", "/portal/webhooks", "/portal/catalogue"} {
		status, text := h.portal.send(ctx, "GET", path, "", nil)
		h.note(ctx, a, status, text)
	}
}

func replayAll(ctx context.Context, h *hostile, a *attack) {
	h.mu.Lock()
	id := deadWebhook
	h.mu.Unlock()
	status, text := h.key.json(ctx, "POST", "/v1/webhooks/"+id+"/replay", object{
		"since": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "missed": true, "statuses": []string{"failed", "canceled", "success"}})
	h.note(ctx, a, status, text)
}

func hoard(ctx context.Context, h *hostile, a *attack) {
	n := time.Now().UnixNano()
	status, text := h.key.json(ctx, "POST", "/v1/keys", object{"name": fmt.Sprint(n), "scopes": []string{"read"}})
	h.note(ctx, a, status, text)
	status, text = h.key.json(ctx, "POST", "/v1/sources", object{"name": fmt.Sprint("s", n), "format": "standard", "unverified": true})
	h.note(ctx, a, status, text)
	status, text = h.key.json(ctx, "PUT", fmt.Sprintf("/v1/event-types/t%d", n), object{"description": strings.Repeat("d", 4000)})
	h.note(ctx, a, status, text)
	status, text = h.key.json(ctx, "POST", "/v1/portal-links", object{"name": "x"})
	h.note(ctx, a, status, text)
}
