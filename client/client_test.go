package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
)

// seen is a request as a server got it.
type seen struct {
	Method, Path, Body, Key, Tenant string
}

// serve runs a server that answers every request with one status and body, and
// returns a client of it and the requests that it got.
func serve(t *testing.T, status int, answer string, change ...func(*client.Options)) (*client.Client, *[]seen) {
	t.Helper()
	var requests []seen
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests = append(requests, seen{r.Method, r.URL.RequestURI(), string(body), r.Header.Get("Authorization"), r.Header.Get("Peal-Tenant")})
		w.Header().Set("Content-Type", "application/json")
		if status >= 400 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	options := client.DefaultOptions()
	for _, f := range change {
		f(&options)
	}
	c, err := client.New(server.URL+"/", "k3y", options)
	if err != nil {
		t.Fatal(err)
	}
	return c, &requests
}

func TestPublishSendsDataAsGiven(t *testing.T) {
	c, requests := serve(t, 202, `{"id":"a","type":"t","time":"2026-01-02T03:04:05Z","duplicate":false,"webhooks":["webhook_1"]}`,
		func(o *client.Options) { o.Tenant = "acme" })
	data := "{ \"n\": 18446744073709551615.0,\n \"html\": \"<&>\" }"
	published, err := c.Publish(t.Context(), client.NewEvent{ID: "a&b", Type: "t", Time: "2023-10-17T19:39:32.920+02:00", Data: json.RawMessage(data)})
	if err != nil {
		t.Fatal(err)
	}
	want := []seen{{"POST", "/v1/events", `{"type":"t","id":"a&b","time":"2023-10-17T19:39:32.920+02:00","data":` + data + `}`, "Bearer k3y", "acme"}}
	if diff := cmp.Diff(want, *requests); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(client.Published{ID: "a", Type: "t", Time: "2026-01-02T03:04:05Z", Webhooks: []string{"webhook_1"}}, published); diff != "" {
		t.Error(diff)
	}
}

func TestPublishBatch(t *testing.T) {
	c, requests := serve(t, 202, `{"data":[{"id":"a"},{"id":"b","duplicate":true}]}`)
	published, err := c.PublishBatch(t.Context(), []client.NewEvent{{Type: "t", Data: json.RawMessage("1")}, {Type: "u", Data: json.RawMessage("[ ]")}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := (*requests)[0].Body, `{"events":[{"type":"t","data":1},{"type":"u","data":[ ]}]}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	if len(published) != 2 || published[0].Duplicate || !published[1].Duplicate {
		t.Errorf("published %+v", published)
	}
}

func TestPublishRefusesWhatIsNoJSON(t *testing.T) {
	c, requests := serve(t, 202, `{}`)
	for _, data := range []string{"", "{", `1,"id":"x"`, "nul"} {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "t", Data: json.RawMessage(data)}); client.StatusOf(err) != 400 {
			t.Errorf("data %q: %v", data, err)
		}
	}
	if len(*requests) > 0 {
		t.Errorf("sent %v", *requests)
	}
}

func TestWebhookSettings(t *testing.T) {
	settings := client.WebhookRequest{
		URL:          new("https://example.com/?a=1&b=2"),
		Events:       []string{"task.*"},
		ExtraPayload: json.RawMessage(`{"z":1, "a":"<b>"}`),
		Clear:        []string{"rate_limit", "authorization"},
	}
	body, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"url": "https://example.com/?a=1&b=2", "events": []any{"task.*"},
		"extra_payload": map[string]any{"z": 1.0, "a": "<b>"}, "rate_limit": nil, "authorization": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExtraPayloadKeepsOrderAndLiterals(t *testing.T) {
	c, requests := serve(t, 201, `{"id":"webhook_1","secret":"whsec_x"}`)
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: new("https://a.example"), ExtraPayload: json.RawMessage(`{"z": 1.50, "a": "<&>"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := (*requests)[0].Body, `{"extra_payload":{"z":1.50,"a":"<&>"},"url":"https://a.example"}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	if webhook.Secret != "whsec_x" {
		t.Errorf("secret %q", webhook.Secret)
	}
}

func TestPathsAreEscaped(t *testing.T) {
	c, requests := serve(t, 200, `{}`)
	ctx := t.Context()
	c.Event(ctx, "a/b?c#d%")
	c.ForTenant("other").DeleteEventType(ctx, "x y", client.EventTypeQuery{})
	c.Events(ctx, client.EventsQuery{PageQuery: client.PageQuery{Limit: 3, Cursor: "a=b&c"}, Type: "t+u"})
	want := []seen{
		{"GET", "/v1/events/a%2Fb%3Fc%23d%25", "", "Bearer k3y", ""},
		{"DELETE", "/v1/event-types/x%20y", "", "Bearer k3y", "other"},
		{"GET", "/v1/events?cursor=a%3Db%26c&limit=3&type=t%2Bu", "", "Bearer k3y", ""},
	}
	if diff := cmp.Diff(want, *requests); diff != "" {
		t.Error(diff)
	}
}

func TestNew(t *testing.T) {
	for name, test := range map[string]struct {
		url, key string
		options  client.Options
		want     string // in the error; "" for none
	}{
		"good":          {"https://peal.example.com/under/", "peal_x", client.DefaultOptions(), ""},
		"no scheme":     {"127.0.0.1:8420", "", client.Options{}, "is not a valid URL"},
		"other scheme":  {"ftp://host", "", client.Options{}, "is not a valid URL"},
		"user":          {"http://user:pw@host", "", client.Options{}, "not have a user"},
		"query":         {"http://host?x=1", "", client.Options{}, "not have a user, query"},
		"line break":    {"http://host", "peal_x\n", client.Options{}, "key must consist"},
		"retries":       {"http://host", "", client.Options{Retries: 21}, "Retries"},
		"below nothing": {"http://host", "", client.Options{Timeout: -1}, "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.New(test.url, test.key, test.options)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestRedirectIsAnError(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	defer server.Close()
	c, err := client.New(server.URL, "", client.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(context.Background()); client.StatusOf(err) != http.StatusFound {
		t.Errorf("error %v", err)
	}
}
