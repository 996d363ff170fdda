package dashboard_test

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/pealhq/peal"
)

// stream is a live list or page as a browser reads it.
type stream struct {
	testing.TB
	*bufio.Reader
}

// openStream opens a stream that ends with the test.
func (d *doorway) openStream(who caller, path string) *stream {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Cookie", who.cookie)
	transport := &http.Transport{}
	response, err := transport.RoundTrip(r)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		response.Body.Close()
		transport.CloseIdleConnections()
	})
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		d.Fatalf("%s answers %s, %s", path, response.Status, response.Header.Get("Content-Type"))
	}
	return &stream{d.TB, bufio.NewReader(response.Body)}
}

// event reads the next event, as the standard of server-sent events puts it together.
func (s *stream) event() (name, data string) {
	s.Helper()
	var lines []string
	for {
		line, err := s.ReadString('\n')
		if err != nil {
			s.Fatalf("the stream ends: %v", err)
		}
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(line, "\r") {
			s.Errorf("the line %q ends before its end", line)
		}
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && name != "":
			return name, strings.Join(lines, "\n")
		case field == "event":
			name = value
		case field == "data":
			lines = append(lines, value)
		case line != "" && field != "":
			s.Errorf("the stream has the line %q", line)
		}
	}
}

// await reads up to the event that holds a text.
func (s *stream) await(text string) (name, data string) {
	s.Helper()
	for {
		if name, data = s.event(); strings.Contains(data, text) {
			return name, data
		}
	}
}

// Each part that a stream sends is an element of the whole page, holds no field and is sent again
// only when it has changed.
func TestLiveParts(t *testing.T) {
	for page, path := range map[string]string{"overview": "/", "webhook": "/webhooks/{id}"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			d := newDoorway(t)
			hook, who := d.hook("acme"), d.signIn("ann", "acme", peal.RoleEditor)
			d.deliver(hook)
			whole := d.ask(who, http.MethodGet, strings.ReplaceAll(path, "{id}", hook.ID.String()), nil)
			address := attribute(t, whole.body, "data-follow")
			if !strings.HasPrefix(address, "/t/acme/") {
				t.Fatalf("the page follows %q", address)
			}
			s := d.openStream(who, address)
			template, err := os.ReadFile(filepath.Join("templates", "pages", page+".html"))
			if err != nil {
				t.Fatal(err)
			}
			sent := map[string]bool{}
			for len(sent) < strings.Count(string(template), `{{template "`+page+`_`) {
				name, data := s.event()
				id := attribute(t, data, "id")
				if name != "part" || sent[id] || !strings.Contains(whole.body, ` id="`+id+`"`) {
					t.Errorf("the stream sends %s %q, sent before: %v", name, id, sent[id])
				}
				if sent[id] = true; strings.Contains(data, "<input") || strings.Contains(data, "<select") || strings.Contains(data, "<textarea") {
					t.Errorf("the part %s holds a field", id)
				}
			}
			next := d.hook("acme") // the next event is of the list of webhooks, or of deliveries
			changed, text := "overview_webhooks", next.ID.String()
			if page == "webhook" {
				changed, text = "webhook_deliveries", d.deliver(hook).String()
			}
			if _, data := s.await(text); attribute(t, data, "id") != changed {
				t.Errorf("the text is in %.80s, not in %s", data, changed)
			}
		})
	}
}

// What an endpoint or a caller has in a text ends no event of a stream.
func TestStreamKeepsLineBreaks(t *testing.T) {
	d := newDoorway(t)
	hook, who := d.hook("acme"), d.signIn("ann", "acme", peal.RoleEditor)
	s := d.openStream(who, "/t/acme/webhooks/"+hook.ID.String()+"/stream")
	hook.Status, hook.StatusReason = peal.Paused, "one\rtwo\r\nevent: end\n\nthree"
	if _, err := d.store.UpdateWebhook(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	if name, data := s.await("three"); name != "part" || !strings.Contains(data, "one\ntwo\nevent: end\n\nthree") {
		t.Errorf("the event %s holds %q", name, data)
	}
}

// The page of a webhook says that it was deleted, and its stream ends.
func TestStreamOfDeletedWebhook(t *testing.T) {
	d := newDoorway(t)
	hook, who := d.hook("acme"), d.signIn("ann", "acme", peal.RoleEditor)
	s := d.openStream(who, "/t/acme/webhooks/"+hook.ID.String()+"/stream")
	if err := d.store.DeleteWebhook(t.Context(), "acme", hook.ID); err != nil {
		t.Fatal(err)
	}
	if _, data := s.await("There is no such webhook"); attribute(t, data, "id") != "webhook_notes" {
		t.Errorf("it is said in %q", data)
	}
	if name, _ := s.event(); name != "end" {
		t.Errorf("then comes %q", name)
	}
	if line, err := s.ReadString('\n'); err == nil {
		t.Errorf("then comes %q", line)
	}
}

// Streams of another tenant's webhooks, or of none, do not exist.
func TestStreamOfNoWebhook(t *testing.T) {
	d := newDoorway(t)
	other, who := d.hook("other"), d.signIn("ann", "acme", peal.RoleEditor)
	for _, path := range []string{"/t/acme/webhooks/" + other.ID.String() + "/stream", "/t/acme/webhooks/x/stream", "/t/other/overview/stream"} {
		d.shows(d.ask(who, http.MethodGet, path, nil), http.StatusNotFound)
	}
}

// attribute returns the first value of an attribute in a page or a part of one.
func attribute(t *testing.T, text, name string) string {
	t.Helper()
	tokens := html.NewTokenizer(strings.NewReader(text))
	for tokens.Next() != html.ErrorToken {
		for _, one := range tokens.Token().Attr {
			if one.Key == name {
				return one.Val
			}
		}
	}
	t.Fatalf("no element has the attribute %s: %.200s", name, text)
	return ""
}
