package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
)

// pages answers with three pages, and fails at the cursor that is bad.
func pages(t *testing.T, answers map[string]string) (*client.Client, *int) {
	t.Helper()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		answer, ok := answers[r.URL.Query().Get("cursor")]
		if !ok || r.URL.Query().Get("type") != "t" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, "", client.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return c, &calls
}

func TestAllWalksOverEveryPage(t *testing.T) {
	c, _ := pages(t, map[string]string{
		"":  `{"data":[{"id":"1"},{"id":"2"}],"next_cursor":"b"}`,
		"b": `{"data":[],"next_cursor":"c"}`,
		"c": `{"data":[{"id":"3"}],"next_cursor":null}`,
	})
	walk := c.AllEvents(t.Context(), client.EventsQuery{Type: "t"})
	for range 2 { // the same walk can be made again
		var ids []string
		for event, err := range walk {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, event.ID)
		}
		if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAllEndsEarlyAndOnErrors(t *testing.T) {
	c, calls := pages(t, map[string]string{"": `{"data":[{"id":"1"},{"id":"2"}],"next_cursor":"gone"}`})
	for range c.AllEvents(t.Context(), client.EventsQuery{Type: "t"}) {
		break
	}
	if *calls != 1 {
		t.Errorf("%d calls, want 1", *calls)
	}
	var got []int
	for _, err := range c.AllEvents(t.Context(), client.EventsQuery{Type: "t"}) {
		got = append(got, client.StatusOf(err))
	}
	if diff := cmp.Diff([]int{0, 0, 422}, got); diff != "" {
		t.Error(diff)
	}
}
