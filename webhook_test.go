package peal_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

func goodWebhook() peal.Webhook {
	return peal.Webhook{
		URL: "https://example.com/hook", Events: []string{"task.*"}, Timeout: peal.DefaultTimeout, Status: peal.Active,
		Headers: map[string]string{"X-Team": "seven"},
	}
}

func TestWebhookLimits(t *testing.T) {
	type hook = peal.Webhook
	headers := func(n int) map[string]string {
		all := make(map[string]string)
		for i := range n {
			all[fmt.Sprintf("X-%d", i)] = ""
		}
		return all
	}
	rate := func(perSecond float64, burst int) func(*hook) {
		return func(w *hook) { w.RateLimit = &peal.RateLimit{PerSecond: perSecond, Burst: burst} }
	}
	header := func(name, value string) func(*hook) {
		return func(w *hook) { w.Headers = map[string]string{name: value} }
	}
	extra := func(payload string) func(*hook) {
		return func(w *hook) { w.ExtraPayload = json.RawMessage(payload) }
	}
	checkLimits(t, goodWebhook, (*hook).Validate, []limit[hook]{
		{"longest name", func(w *hook) { w.Name = strings.Repeat("ü", peal.MaxWebhookName) }, ""},
		{"too long a name", func(w *hook) { w.Name = strings.Repeat("ü", peal.MaxWebhookName+1) }, "name"},
		{"a name with a sign of several characters", func(w *hook) { w.Name = "Büro \U0001F469\u200D\U0001F4BB <b>\"{{name}}\"" }, ""},
		{"a line break in the name", func(w *hook) { w.Name = "a\nb" }, "name"},
		{"a line separator in the name", func(w *hook) { w.Name = "a\u2028b" }, "name"},
		{"an escape in the name", func(w *hook) { w.Name = "a\x1b[1m" }, "name"},
		{"a change of direction in the name", func(w *hook) { w.Name = "a\u202eb" }, "name"},
		{"a name that is no UTF-8", func(w *hook) { w.Name = "a\xff" }, "name"},
		{"no URL", func(w *hook) { w.URL = "" }, "url"},
		{"no events", func(w *hook) { w.Events = nil }, "events"},
		{"a bad pattern", func(w *hook) { w.Events = append(w.Events, "task*") }, "events[1]"},
		{"shortest timeout", func(w *hook) { w.Timeout = peal.MinTimeout }, ""},
		{"too short a timeout", func(w *hook) { w.Timeout = peal.MinTimeout - 1 }, "timeout_ms"},
		{"longest timeout", func(w *hook) { w.Timeout = peal.MaxTimeout }, ""},
		{"too long a timeout", func(w *hook) { w.Timeout = peal.MaxTimeout + 1 }, "timeout_ms"},
		{"paused", func(w *hook) { w.Status = peal.Paused }, ""},
		{"disabled", func(w *hook) { w.Status = peal.Disabled }, ""},
		{"deleted", func(w *hook) { w.Status = peal.Deleted }, "status"},
		{"no status", func(w *hook) { w.Status = "" }, "status"},
		{"a bad policy", func(w *hook) { w.RetryPolicy = &peal.RetryPolicy{Jitter: -1} }, "retry_policy.jitter"},
		{"lowest rate", rate(math.SmallestNonzeroFloat64, 1), ""},
		{"highest rate", rate(10_000, 10_000), ""},
		{"no rate", rate(0, 1), "rate_limit"},
		{"too high a rate", rate(10_001, 1), "rate_limit"},
		{"a rate that is no number", rate(math.NaN(), 1), "rate_limit"},
		{"no burst", rate(1, 0), "rate_limit"},
		{"too high a burst", rate(1, 10_001), "rate_limit"},
		{"longest programs", func(w *hook) { w.Filter, w.Transform = text(peal.MaxProgram), text(peal.MaxProgram) }, ""},
		{"too long a filter", func(w *hook) { w.Filter = text(peal.MaxProgram + 1) }, "filter"},
		{"too long a transform", func(w *hook) { w.Transform = text(peal.MaxProgram + 1) }, "transform"},
		{"longest description", func(w *hook) { w.Description = text(peal.MaxDescription) }, ""},
		{"too long a description", func(w *hook) { w.Description = text(peal.MaxDescription + 1) }, "description"},
		{"longest uuid", func(w *hook) { w.UUID = text(128) }, ""},
		{"too long a uuid", func(w *hook) { w.UUID = text(129) }, "uuid"},
		{"an authorization", func(w *hook) { w.Authorization = "Bearer abc" }, ""},
		{"largest authorization", func(w *hook) { w.Authorization = text(peal.MaxHeaderValue) }, ""},
		{"too large an authorization", func(w *hook) { w.Authorization = text(peal.MaxHeaderValue + 1) }, "authorization"},
		{"a line break in the authorization", func(w *hook) { w.Authorization = "a\r\nX-B: c" }, "authorization"},
		{"an authorization that ends with a space", func(w *hook) { w.Authorization = "a " }, "authorization"},
		{"most headers", func(w *hook) { w.Headers = headers(peal.MaxHeaders) }, ""},
		{"too many headers", func(w *hook) { w.Headers = headers(peal.MaxHeaders + 1) }, "headers"},
		{"largest header", header("X-A", text(peal.MaxHeaderValue-3)), ""},
		{"too large a header", header("X-A", text(peal.MaxHeaderValue-2)), "headers.X-A"},
		{"all characters of a name", header("aZ09!#$%&'*+-.^_`|~", ""), ""},
		{"a header without a name", header("", "x"), "headers"},
		{"a space in a name", header("X A", "x"), "headers"},
		{"a colon in a name", header("X:", "x"), "headers"},
		{"a line break in a name", header("X\r\n", "x"), "headers"},
		{"a letter beyond ASCII in a name", header("Xä", "x"), "headers"},
		{"a tab and letters beyond ASCII in a value", header("X-A", "a\tö"), ""},
		{"a line feed in a value", header("X-A", "a\nb"), "headers.X-A"},
		{"a carriage return in a value", header("X-A", "a\rb"), "headers.X-A"},
		{"a null in a value", header("X-A", "a\x00b"), "headers.X-A"},
		{"a delete character in a value", header("X-A", "a\x7fb"), "headers.X-A"},
		{"a value that begins with a tab", header("X-A", "\ta"), "headers.X-A"},
		{"an object as extra payload", extra(` {"a":1}`), ""},
		{"an array as extra payload", extra(`[1]`), "extra_payload"},
		{"null as extra payload", extra(`null`), "extra_payload"},
		{"nothing as extra payload", extra(``), "extra_payload"},
		{"a broken extra payload", extra(`{"a":}`), "extra_payload"},
		{"largest extra payload", extra(`{"a":"` + text(peal.MaxExtra-8) + `"}`), ""},
		{"too large an extra payload", extra(`{"a":"` + text(peal.MaxExtra-7) + `"}`), "extra_payload"},
	})
}

func TestWebhookRefusesHeadersOfTheConnection(t *testing.T) {
	for _, name := range []string{
		"Host", "host", "Content-Length", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Authenticate",
		"Proxy-Authorization", "Proxy-Connection", "TE", "te", "Trailer", "Upgrade", "Expect", "HTTP2-Settings", "Content-Encoding",
	} {
		w := goodWebhook()
		w.Headers = map[string]string{name: "x"}
		if field := fieldOf(t, name, w.Validate()); field != "headers."+name {
			t.Errorf("%s: field %q", name, field)
		}
	}
	for _, name := range []string{"Content-Type", "User-Agent", "Authorization", "X-Forwarded-For", "Accept", "webhook-id"} {
		w := goodWebhook()
		w.Headers = map[string]string{name: "x"}
		if err := w.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := goodWebhook()
	w.Headers = map[string]string{"X-Team": "a", "x-tEAM": "b"}
	if field := fieldOf(t, "twice", w.Validate()); !strings.EqualFold(field, "headers.x-team") {
		t.Errorf("a header in two cases: field %q", field)
	}
}

func TestURLs(t *testing.T) {
	longest := "https://example.com/" + text(peal.MaxURLLength-len("https://example.com/"))
	for _, good := range []string{
		"https://example.com", "http://example.com/", "HTTPS://EXAMPLE.COM/a", "https://example.com:1/", "https://example.com:65535/a?b=c&d=%20e",
		"http://127.0.0.1:8080/x", "http://[::1]:8080/", "https://localhost", "https://example.com/é", "https://xn--bcher-kva.example/", "https://example.com/?", "https://a_b.example/", longest,
	} {
		if err := peal.ValidateURL(good); err != nil {
			t.Errorf("%.60s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "example.com", "/path", "//example.com/", "https:", "https:/", "https://", "https:///path", "https:example.com", "https://:443/", "https://?q",
		"ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "unix:///run/x.sock", "httpss://example.com", "://example.com",
		"https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/", "https://:@example.com/",
		"https://example.com/#a", "https://example.com/#", "https://example.com#", "https://example.com:/", "https://example.com:0/", "https://example.com:65536/",
		"https://example.com:x/", "https://example.com:-1/", "https://example.com:99999999999999999999/", "https://exa mple.com/", " https://example.com/", "https://example.com/ ",
		"https://example.com/\n", "https://example.com/a\tb", "https://example.com/\x00", "https://example.com/\x7f", "https://[::1/", "https://[::1]x/", "https://example.com/%zz", "https://exam%00ple.com/", longest + "x",
	} {
		if field := fieldOf(t, bad, peal.ValidateURL(bad)); field != "url" {
			t.Errorf("%.60q: field %q", bad, field)
		}
	}
}

func TestActiveSecrets(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	w := peal.Webhook{Secrets: []peal.Secret{{Value: "new"}, {Value: "old", ExpiresAt: now.Add(time.Hour)}, {Value: "gone", ExpiresAt: now}}}
	for at, want := range map[time.Time][]string{
		now.Add(-time.Nanosecond):            {"new", "old", "gone"},
		now:                                  {"new", "old"},
		now.Add(time.Hour - time.Nanosecond): {"new", "old"},
		now.Add(time.Hour):                   {"new"},
	} {
		if got := w.ActiveSecrets(at); !slices.Equal(got, want) {
			t.Errorf("at %v: %v, want %v", at, got, want)
		}
	}
	if got := (&peal.Webhook{}).ActiveSecrets(now); got != nil {
		t.Errorf("no secrets: %v", got)
	}
}

func TestHeadFields(t *testing.T) {
	got := peal.HeaderLines("Content-Type: application/json\nX-Empty: \nX-Odd: a: b\nbroken\n").Fields()
	want := [][2]string{{"Content-Type", "application/json"}, {"X-Empty", ""}, {"X-Odd", "a: b"}, {"broken", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := peal.HeaderLines("").Fields(); got != nil {
		t.Errorf("no headers: %q", got)
	}
}

// Every reason has a remedy of its own: whole sentences without line breaks.
func TestEveryReasonHasARemedy(t *testing.T) {
	seen := make(map[string]peal.Reason)
	for _, reason := range peal.Reasons() {
		remedy := reason.Remedy()
		if len(remedy) < 30 || !strings.HasSuffix(remedy, ".") || strings.ContainsAny(remedy, "\n\t") {
			t.Errorf("%s: %q", reason, remedy)
		}
		if other, ok := seen[remedy]; ok {
			t.Errorf("%s and %s have the same remedy", reason, other)
		}
		seen[remedy] = reason
	}
	for _, reason := range []peal.Reason{
		peal.ReasonStatus, peal.ReasonRedirect, peal.ReasonTimeout, peal.ReasonDNS, peal.ReasonRefused, peal.ReasonUnreachable, peal.ReasonTLS,
		peal.ReasonBlocked, peal.ReasonProxy, peal.ReasonToken, peal.ReasonConnection, peal.ReasonProtocol, peal.ReasonEncode, peal.ReasonCanceled, peal.ReasonOther,
	} {
		if !slices.Contains(slices.Collect(maps.Values(seen)), reason) {
			t.Errorf("Reasons leaves out %s", reason)
		}
	}
	if peal.Reason("").Remedy() != "" {
		t.Error("no reason has a remedy")
	}
	if (&peal.Attempt{Reason: peal.ReasonDNS}).Succeeded() || !(&peal.Attempt{}).Succeeded() {
		t.Error("an attempt succeeded if it has no reason")
	}
}
