package wire_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/wire"
)

// Each format has a page that names its headers and shows a request as it is
// really sent: the page's first http block, which -update writes.
func TestEachFormatIsDocumented(t *testing.T) {
	for _, f := range wire.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			path := filepath.Join("..", "docs", "formats", f.Name+".md")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			page := string(text)
			for _, header := range f.Headers {
				if !strings.Contains(page, header) {
					t.Errorf("the page does not name the header %s", header)
				}
			}
			const opening, closing = "```http\n", "```\n"
			before, rest, ok := strings.Cut(page, opening)
			_, after, closed := strings.Cut(rest, closing)
			if !ok || !closed {
				t.Fatal("the page has no http block")
			}
			want := before + opening + dump(documented(t, f)) + closing + after
			if testkit.Updating() {
				if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
				page = want
			}
			if page != want {
				t.Errorf("the page's request is not what is sent (run the test with -update):\n%s", want)
			}
		})
	}
}

func documented(t *testing.T, f *wire.Format) wire.Request {
	t.Helper()
	in := goldenInput(t, f)
	in.Event = &peal.Event{
		ID: "event_01h455vb4pex5vsknk084sn02p", Tenant: peal.DefaultTenant, Type: "task.created", Subject: "task-7",
		Time: mustTime(t, "2026-11-21T10:30:00.25+01:00"), Data: json.RawMessage(`{"id":7,"title":"Write <docs> é"}`),
	}
	in.Webhook.URL = "https://example.com/hook"
	in.Webhook.Authorization, in.Webhook.Headers, in.Webhook.ExtraPayload = "", nil, nil
	if f.ExtraPayload {
		in.Webhook.ExtraPayload = json.RawMessage(`{"channel":"#ops"}`)
	}
	in.Time = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	if len(in.Webhook.Secrets) > 0 {
		in.Webhook.Secrets = in.Webhook.Secrets[:1]
	}
	r, err := f.Request(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
