package custom_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/wire"
)

var at = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func input(t *testing.T, data string, secrets ...string) *wire.Input {
	t.Helper()
	hook, err := peal.ParseWebhookID("webhook_01h455vb4pex5vsknk084sn02q")
	if err != nil {
		t.Fatal(err)
	}
	delivery, err := peal.ParseDeliveryID("delivery_01h455vb4pex5vsknk084sn02r")
	if err != nil {
		t.Fatal(err)
	}
	eventTime, err := peal.ParseTimestamp("2026-11-21T10:30:00.25+01:00")
	if err != nil {
		t.Fatal(err)
	}
	w := &peal.Webhook{
		ID: hook, Tenant: "acme", URL: "https://example.com/hook", Events: []string{"task.*"}, UUID: "u-1", Description: "d",
		Headers: map[string]string{"X-Hidden": "h1dden"}, Authorization: "Bearer h1dden", ExtraPayload: json.RawMessage(`{"n":1.50}`),
	}
	for _, secret := range secrets {
		w.Secrets = append(w.Secrets, peal.Secret{Value: secret})
	}
	return &wire.Input{
		Event:   &peal.Event{ID: "own.id", Tenant: "acme", Type: "task.created", Subject: "tasks/7", Time: eventTime, Data: json.RawMessage(data)},
		Webhook: w, DeliveryID: delivery, Time: at,
	}
}

func must(t *testing.T, d custom.Definition) *wire.Format {
	t.Helper()
	f, err := custom.New(d, variables)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRequest(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*custom.Definition)
		body   string
		header map[string]string
	}{
		"the plain one": {
			func(*custom.Definition) {}, `{"kind":"task.created","payload":{"a":[1.50,18446744073709551616],"b":"<é>"}}`,
			map[string]string{"Content-Type": "application/json", "User-Agent": "Peal/1"},
		},
		"all that there is": {
			func(d *custom.Definition) { d.Body = `.event |= del(.data)` },
			`{"delivery_id":"delivery_01h455vb4pex5vsknk084sn02r","event":{"id":"own.id","subject":"tasks/7","tenant":"acme","time":"2026-11-21T10:30:00.25+01:00","type":"task.created"},` +
				`"timestamp":1795253400,"webhook":{"description":"d","events":["task.*"],"extra_payload":{"n":1.50},"id":"webhook_01h455vb4pex5vsknk084sn02q","tenant":"acme","url":"https://example.com/hook","uuid":"u-1"}}`,
			nil,
		},
		"sent as it is": {
			func(d *custom.Definition) {
				d.Body, d.BodyRaw, d.ContentType = `"text=\(.event.data.b|@uri)&type=\(.event.type)"`, true, "application/x-www-form-urlencoded"
			},
			`text=%3C%C3%A9%3E&type=task.created`,
			map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		},
		"the data as it was published": {
			func(d *custom.Definition) { d.Body, d.BodyRaw = `"{\"data\":\(.event.data_text)}"`, true },
			`{"data":{"b": "<\u00e9>", "a":[1.50,18446744073709551616]}}`, nil,
		},
		"null": {func(d *custom.Definition) { d.Body = `.event.data.missing` }, `null`, nil},
		"headers": {
			func(d *custom.Definition) {
				d.Headers = map[string]string{
					"X-All": "{{event.id}} {{id}} {{ event.type }} {{event.time}} {{event.tenant}} {{webhook.id}} {{delivery_id}} {{timestamp}}",
					"x-odd": "}} { {TOKEN}", "Authorization": "Token {{TOKEN}}", "user-agent": "me",
				}
			},
			`{"kind":"task.created","payload":{"a":[1.50,18446744073709551616],"b":"<é>"}}`,
			map[string]string{
				"X-All": "own.id own.id task.created 2026-11-21T10:30:00.25+01:00 acme webhook_01h455vb4pex5vsknk084sn02q delivery_01h455vb4pex5vsknk084sn02r 1795253400",
				"x-odd": "}} { {TOKEN}", "Authorization": "Token t0ken", "User-Agent": "me",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := plain()
			test.change(&d)
			in := input(t, `{"b": "<\u00e9>", "a":[1.50,18446744073709551616]}`)
			in.Webhook.Headers, in.Webhook.Authorization = nil, ""
			r, err := must(t, d).Request(in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.body, string(r.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			for name, want := range test.header {
				if got := r.Header[name]; len(got) != 1 || got[0] != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// A record of the request hides what a variable has filled.
func TestVariablesAreSecret(t *testing.T) {
	d := plain()
	d.Headers = map[string]string{"X-Pass": "a{{TOKEN}}b", "X-Plain": "{{event.id}}"}
	r, err := must(t, d).Request(input(t, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(r.Secret); !slices.Equal(r.Secret, []string{"X-Hidden", "X-Pass"}) { // X-Hidden is the webhook's own
		t.Errorf("secret are %v", r.Secret)
	}
	if strings.Contains(string(r.Body), "h1dden") {
		t.Error("the body shows what is confidential")
	}
}

// The webhook's own headers win, as with every format.
func TestHeadersOfTheWebhookWin(t *testing.T) {
	d := signed()
	d.Headers = map[string]string{"x-one": "format", "authorization": "format"}
	in := input(t, `{}`, "secret")
	in.Webhook.Headers = map[string]string{"X-One": "webhook"}
	r, err := must(t, d).Request(in)
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{"X-One": {"webhook"}, "Authorization": {"Bearer h1dden"}, "User-Agent": {"Peal/1"}, "Content-Type": {"application/json"}, "X-Signature": r.Header["X-Signature"]}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// A failure of the program on the data is reported, and affects only this request.
func TestDataThatFails(t *testing.T) {
	for name, test := range map[string]struct{ body, data, message string }{
		"a wrong type":  {`.event.data.n + 1`, `{"n":"x"}`, "tickets has no body for this event: its program fails on this event: "},
		"no value":      {`.event.data | if .skip then empty else . end`, `{"skip":true}`, "returns no value for this event"},
		"two values":    {`.event.data | (.list // [1])[]`, `{"list":[1,2]}`, "returns more than one value for this event"},
		"too much work": {`last(range(.event.data.n // 1))`, `{"n":100000000}`, "tickets has no body for this event: its program "},
		"too deep":      {`reduce range(.event.data.n // 1) as $i (1; [.])`, `{"n":65}`, "nested deeper"},
		"raised":        {`.event.data.e // "" | if . == "" then . else error end`, `{"e":"no \u0000 such"}`, "fails on this event"},
	} {
		t.Run(name, func(t *testing.T) {
			d := plain()
			d.Body = test.body
			f := must(t, d)
			if _, err := f.Request(input(t, `{}`)); err != nil && name != "a wrong type" {
				t.Fatalf("without the data: %v", err)
			}
			_, err := f.Request(input(t, test.data))
			if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q", err, test.message)
			}
		})
	}
	d := plain()
	d.Body, d.BodyRaw = `.event.data.text`, true
	if _, err := must(t, d).Request(input(t, `{"text":7}`)); err == nil || !strings.Contains(err.Error(), "returns a number for this event; it must return a string") {
		t.Errorf("a number as text gave %v", err)
	}
}
