package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// flaky is an endpoint that fails its first requests and returns all that arrive.
func flaky(t *testing.T, failures int32) (url string, arrivals <-chan arrival) {
	t.Helper()
	came := make(chan arrival, 100)
	var count atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		if count.Add(1) <= failures {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		came <- arrival{r.Header, body}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/hook", came
}

// sender is a tenant with a source, and a webhook of the standard format that gets its events.
type sender struct {
	*client.Client
	source   client.Source
	path     string // where its sender sends to
	secret   string // of the webhook
	arrivals <-chan arrival
}

func newSender(t *testing.T, s *server.Server, tenant string, failures int32, settings client.SourceRequest) *sender {
	t.Helper()
	c := connect(t, "http://"+s.Addr(), operatorKey).ForTenant(tenant)
	url, arrivals := flaky(t, failures)
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{
		URL: &url, Events: []string{"*"}, RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: []float64{0.01, 0.01, 0.01}},
	})
	if err != nil {
		t.Fatal(err)
	}
	source, err := c.CreateSource(t.Context(), client.SourceCreateRequest{Name: "system", SourceRequest: settings})
	if err != nil {
		t.Fatal(err)
	}
	return &sender{c, source, source.Paths[len(source.Paths)-1], webhook.Secret, arrivals}
}

func (c *capture) settings() client.SourceRequest {
	settings := client.SourceRequest{Format: &c.Webhook.Format}
	if secret := c.secret(); secret != "" {
		settings.Secret = &secret
	} else {
		settings.Unverified = new(true)
	}
	return settings
}

// TestUnmodifiedSenders sends each capture as it is to a source of its system. The
// event is delivered on in another format, though the receiver fails twice.
func TestUnmodifiedSenders(t *testing.T) {
	s := start(t, options(t))
	for name, c := range captures(t) {
		t.Run(name, func(t *testing.T) {
			from := newSender(t, s, name, 2, c.settings())
			status, answer := c.send(t, s.Addr(), from.path, c.Body)
			var receipt struct {
				ID, Type  string
				Duplicate bool
			}
			if err := json.Unmarshal(answer, &receipt); err != nil || status != http.StatusAccepted || receipt.Duplicate {
				t.Fatalf("answered %d: %s", status, answer)
			}
			wantType, wantData := c.event(name)
			event, err := from.Event(t.Context(), receipt.ID)
			if err != nil {
				t.Fatal(err)
			}
			if event.Type != wantType || event.Subject != c.Event.Subject || !sameJSON(t, string(event.Data), wantData) {
				t.Errorf("the event is %s of %q with %s", event.Type, event.Subject, event.Data)
			}
			if want := c.Event.Time.String(); want != "" && event.Time != want {
				t.Errorf("its time is %s, want %s", event.Time, want)
			}
			for try := range 3 {
				got := next(t, from.arrivals)
				if err := wire.Verify("standard", got.header, got.body, from.secret); err != nil {
					t.Errorf("attempt %d does not verify: %v", try+1, err)
				}
				if id := got.header.Get("webhook-id"); id != receipt.ID {
					t.Errorf("attempt %d is of event %q, not %q", try+1, id, receipt.ID)
				}
				var body struct {
					Type, Timestamp string
					Data            json.RawMessage
				}
				if err := json.Unmarshal(got.body, &body); err != nil || body.Type != wantType || body.Timestamp != event.Time || !sameJSON(t, string(body.Data), wantData) {
					t.Errorf("attempt %d says %s (%v)", try+1, got.body, err)
				}
			}
			if counts := from.counts(t); counts.Accepted != 1 || counts.Duplicate != 0 || counts.Refused != 0 || counts.LastAcceptedAt.IsZero() {
				t.Errorf("counted %+v", counts)
			}
		})
	}
}

func (f *sender) counts(t *testing.T) client.SourceCounts {
	t.Helper()
	source, err := f.Source(t.Context(), f.source.ID)
	if err != nil {
		t.Fatal(err)
	}
	return source.Counts
}

// events are all that the tenant has.
func (f *sender) events(t *testing.T) []client.EventRow {
	t.Helper()
	page, err := f.Events(t.Context(), client.EventsQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Data
}

// TestForgedSenders changes a byte of each capture that can be verified, or sends it
// to a source with another secret: refused, counted, and nothing is kept.
func TestForgedSenders(t *testing.T) {
	s := start(t, options(t))
	forged := 0
	for name, c := range captures(t) {
		if c.secret() == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			settings := c.settings()
			settings.Secret = new("another " + c.secret())
			wrong := newSender(t, s, name+"-wrong", 0, settings)
			right := newSender(t, s, name, 0, c.settings())
			unsigned := *c
			unsigned.Headers = nil
			for _, h := range c.Headers {
				if h[0] != "Authorization" && !strings.HasSuffix(h[0], "-Signature") {
					unsigned.Headers = append(unsigned.Headers, h)
				}
			}
			refused := map[*sender]int64{}
			refuse := func(to *sender, c *capture, body string) {
				t.Helper()
				status, answer := c.send(t, s.Addr(), to.path, body)
				if status != http.StatusUnauthorized || !strings.Contains(string(answer), `"urn:peal:error:unauthorized"`) || strings.Contains(string(answer), c.secret()) {
					t.Errorf("answered %d: %s", status, answer)
				}
				refused[to]++
			}
			refuse(wrong, c, c.Body)
			refuse(right, &unsigned, c.Body)
			if c.Webhook.Secret != "" {
				for at := 0; at < len(c.Body); at += 1 + len(c.Body)/20 {
					flipped := []byte(c.Body)
					flipped[at] ^= 1
					refuse(right, c, string(flipped))
				}
			}
			forged++
			for to, count := range refused {
				if counts := to.counts(t); int64(counts.Refused) != count || counts.Accepted != 0 || counts.LastRefusal == "" || counts.LastRefusedAt.IsZero() {
					t.Errorf("counted %+v, want %d refused", counts, count)
				}
				if events := to.events(t); len(events) != 0 {
					t.Errorf("kept %v", events)
				}
			}
			if status, answer := c.send(t, s.Addr(), right.path, c.Body); status != http.StatusAccepted {
				t.Errorf("the real one is answered %d: %s", status, answer)
			}
		})
	}
	if forged < 9 {
		t.Errorf("only %d captures can be verified", forged)
	}
}

// TestCountsOutliveTheServer: what was counted is there after a stop.
func TestCountsOutliveTheServer(t *testing.T) { onEachStore(t, testCountsOutliveTheServer) }

func testCountsOutliveTheServer(t *testing.T, o server.Options) {
	first, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := captures(t)["vikunja-2.5.0-task.created-secret"]
	from := newSender(t, first, "default", 0, c.settings())
	c.send(t, first.Addr(), "/in/system", c.Body)
	c.send(t, first.Addr(), "/in/system", strings.Replace(c.Body, "t", "T", 1))
	next(t, from.arrivals)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := start(t, o)
	from.Client = connect(t, "http://"+second.Addr(), operatorKey)
	if counts := from.counts(t); counts.Accepted != 1 || counts.Refused != 1 {
		t.Errorf("counted %+v", counts)
	}
	if status, answer := c.send(t, second.Addr(), "/in/system", c.Body); status != http.StatusAccepted {
		t.Errorf("after the restart it answered %d: %s", status, answer)
	}
}
