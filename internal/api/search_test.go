package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

func withSearch(o *dispatch.Options) { o.Search = true }

// index puts all that was published into the index.
func (b *bench) index() {
	b.Helper()
	err := b.store.SetSearch(b.Context(), true)
	for done := (peal.IndexResult{More: true}); done.More && err == nil; {
		done, err = b.store.Index(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
}

// rows asks for a list of so many rows.
func (b *bench) rows(path string, want int) {
	b.Helper()
	if got := b.want(200, request{method: "GET", path: path})["data"].([]any); len(got) != want {
		b.Errorf("%s has %d rows, want %d", path, len(got), want)
	}
}

func TestSearchByWordsAndType(t *testing.T) {
	b := newBench(t, withSearch)
	webhook := b.want(201, request{method: "POST", path: "/v1/webhooks", body: map[string]any{"url": "http://127.0.0.1:1/", "events": "*"}})["id"].(string)
	for i := range 5 {
		b.want(202, request{method: "POST", path: "/v1/events", body: fmt.Sprintf(`{"type":"order.kind%d","id":"e%d","data":{"buyer":"ada@example.com","n":"no%d"}}`, i%2, i, i)})
	}
	b.index()
	b.rows("/v1/deliveries?text=ada%40example.com", 5)
	b.rows("/v1/deliveries?text=no3", 1)
	b.rows("/v1/deliveries?type=order.kind0", 3)
	b.rows("/v1/deliveries?type=order.kind0&text=buy*", 3)
	b.rows("/v1/webhooks/"+webhook+"/deliveries?text=%22example+com%22&type=order.kind1", 2)
	b.rows("/v1/events?text=no4", 1)
	b.rows("/v1/events?text=buyer&type=order.kind1", 2)
	seen := map[string]bool{}
	for path := "/v1/deliveries?text=buyer&limit=2"; path != ""; {
		list := b.want(200, request{method: "GET", path: path})
		for _, row := range list["data"].([]any) {
			seen[row.(map[string]any)["id"].(string)] = true
		}
		path = ""
		if next, more := list["next_cursor"].(string); more {
			path = "/v1/deliveries?text=buyer&limit=2&cursor=" + next
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d deliveries page by page", len(seen))
	}
}

func TestBadSearches(t *testing.T) {
	b := newBench(t) // where search is off
	for name, test := range map[string]struct{ path, says string }{
		"search is off":        {"/v1/deliveries?text=a", "search.enabled"},
		"events, search off":   {"/v1/events?text=a", "search.enabled"},
		"no words":             {"/v1/deliveries?text=-", "no letters or digits"},
		"empty":                {"/v1/events?text=", "must not be empty"},
		"an open quote":        {"/v1/events?text=%22a", "not closed"},
		"a short beginning":    {"/v1/deliveries?text=a*", "at least 3 characters"},
		"beside an event":      {"/v1/deliveries?type=a&event=b", "cannot be combined"},
		"a bad type":           {"/v1/deliveries?type=a/b", "segments of letters"},
		"another list's place": {"/v1/deliveries?type=a&cursor=ZA", "not a cursor of this list"},
	} {
		problem := b.want(422, request{method: "GET", path: test.path})
		if text := fmt.Sprint(problem); !strings.Contains(text, test.says) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
