package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/longtest"
)

// put does something many times, many at a time: the store writes them together.
func put(many int, do func(i int)) {
	var running sync.WaitGroup
	turns := make(chan bool, 256)
	for i := range many {
		turns <- true
		running.Go(func() {
			defer func() { <-turns }()
			do(i)
		})
	}
	running.Wait()
}

// walk reads a whole list by its cursors: the values of a member of the rows, the number of pages
// and the bytes of the largest.
func (b *bench) walk(path, member string) (values []string, pages, largest int) {
	b.Helper()
	for cursor := ""; ; {
		reply := b.do(request{method: "GET", path: path + cursor})
		if reply.StatusCode != 200 {
			b.Fatalf("%s%s answered %d: %s", path, cursor, reply.StatusCode, reply.body)
		}
		pages, largest = pages+1, max(largest, len(reply.body))
		page := b.want(200, request{method: "GET", path: path + cursor})
		for _, row := range page["data"].([]any) {
			values = append(values, row.(map[string]any)[member].(string))
		}
		next, more := page["next_cursor"].(string)
		if !more {
			return values, pages, largest
		}
		cursor = "&cursor=" + next
	}
}

func TestFindsWebhooks(t *testing.T) {
	b := newBench(t)
	for i, name := range []string{"Zoo", "", "alpha", "Beta 100%", "beta_2"} {
		body := fmt.Sprintf(`{"url":"http://127.0.0.1:1/p%d?token=hidden","events":["g%d.*"],"name":%q,"description":"no. %d","status":%q}`, i, i%2, name, i, []string{"active", "paused"}[i%2])
		b.want(201, request{method: "POST", path: "/v1/webhooks", body: body})
	}
	b.newWebhook("other", "http://127.0.0.1:1/beta", "*")
	for query, want := range map[string]string{
		"":                      "beta_2|Beta 100%|alpha||Zoo",
		"order=newest":          "beta_2|Beta 100%|alpha||Zoo",
		"order=oldest":          "Zoo||alpha|Beta 100%|beta_2",
		"order=name":            "|alpha|Beta 100%|beta_2|Zoo", // 127.0.0.1:1/p1 comes first
		"q=BETA":                "beta_2|Beta 100%",
		"q=%25":                 "Beta 100%",
		"q=_":                   "beta_2",
		"q=hidden":              "",
		"q=beta+no.+4":          "beta_2",
		"q=/p1":                 "",
		"status=paused&q=b":     "Beta 100%",
		"event=g1.x&order=name": "|Beta 100%",
		"event=g1":              "",
		"format=standard&q=zoo": "Zoo",
		"format=none":           "",
	} {
		for _, limit := range []int{1, 2, 200} {
			names, _, _ := b.walk(fmt.Sprintf("/v1/webhooks?limit=%d&%s", limit, query), "name")
			if got := strings.Join(names, "|"); got != want {
				t.Errorf("%s in pages of %d lists %q, not %q", query, limit, got, want)
			}
		}
	}
	named := b.want(200, request{method: "GET", path: "/v1/webhooks?order=name&limit=1"})["next_cursor"].(string)
	for query, place := range map[string]string{
		"q=" + strings.Repeat("x", 201): "query.q", "q=%00": "query.q", "q=%ff": "query.q", "status=gone": "query.status", "order=size": "query.order",
		"event=a*": "query.event", "format=": "query.format", "order=oldest&cursor=" + named: "query.cursor", "cursor=" + named: "query.cursor",
	} {
		if places := b.refused(422, "invalid", request{method: "GET", path: "/v1/webhooks?" + query}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", query, places)
		}
	}
}

// TestLongLists holds the size of pages and the rows in them with 10,000 tenants and 10,000
// event types.
func TestLongLists(t *testing.T) {
	b := newBench(t)
	many := 2_000
	if longtest.Asked() {
		many = 10_000
	}
	put(many, func(i int) {
		if err := b.store.CreateTenant(t.Context(), peal.Tenant{Name: fmt.Sprintf("tenant-%05d", i), Description: fmt.Sprint("Kunde Ä", i), CreatedAt: peal.NewEventKey().Time()}); err != nil {
			t.Error(err)
		}
		if _, err := b.store.PutEventType(t.Context(), peal.EventType{Name: fmt.Sprintf("g%02d.type_%05d", i%100, i), Description: "d", CreatedAt: peal.NewEventKey().Time()}); err != nil {
			t.Error(err)
		}
	})
	count := func(format, text string, group int) (n int) {
		for i := range many {
			if strings.Contains(fmt.Sprintf(format, i), text) && (group < 0 || i%100 == group) {
				n++
			}
		}
		return n
	}
	const bound = 150 << 10
	for _, test := range []struct {
		path        string
		rows, pages int
	}{
		{"/v1/tenants?limit=200&q=" + url.QueryEscape("kunde ä19"), count("kunde ä%d", "kunde ä19", -1), 1},
		{"/v1/tenants?limit=200&q=TENANT", many, many / 200},
		{"/v1/tenants?limit=200&q=nobody", 0, 1},
		{"/v1/tenants?limit=200", many + 1, many/200 + 1}, // the default one too,
		{"/v1/event-types?limit=200&q=TYPE_0199", 10, 1},
		{"/v1/event-types?limit=200&group=g07", many / 100, 1},
		{"/v1/event-types?limit=200&group=g0", 0, 1},
		{"/v1/event-types?limit=200&group=g07&q=007", count("type_%05d", "007", 7), 1},
		{"/v1/event-types?limit=200&q=type", many, many / 200},
	} {
		names, pages, largest := b.walk(test.path, "name")
		if len(names) != test.rows || pages != test.pages || largest > bound {
			t.Errorf("%s lists %d rows in %d pages of at most %d bytes, not %d in %d", test.path, len(names), pages, largest, test.rows, test.pages)
		}
		if !slices.IsSorted(names) || len(slices.Compact(names)) != len(names) {
			t.Errorf("%s is not in order", test.path)
		}
	}
}

func TestMissedEvent(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("", "http://127.0.0.1:1/", "never")
	b.newWebhook("other", "http://127.0.0.1:1/", "never")
	b.want(202, request{method: "POST", path: "/v1/events", body: `{"type":"a","data":1,"id":"e1"}`})
	missed := b.want(200, request{method: "GET", path: "/v1/events/e1/missed"})
	groups := missed["data"].([]any)
	if missed["complete"] != true || len(groups) != 1 {
		t.Fatalf("missed is %v", missed)
	}
	group := groups[0].(map[string]any)
	if group["reason"] != "type" || group["count"] != 1.0 || group["webhooks"].([]any)[0].(map[string]any)["id"] != hook {
		t.Errorf("the group is %v", group)
	}
	b.refused(404, "not-found", request{method: "GET", path: "/v1/events/e2/missed"})
}

func TestFindsSourcesUsersAndKeys(t *testing.T) {
	b := newBench(t)
	for i, name := range []string{"zoo", "tasks", "alpha", "tasks-2"} {
		b.want(201, request{method: "POST", path: "/v1/sources", body: fmt.Sprintf(`{"name":%q,"format":"standard","description":"Desc%d","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, name, i)})
		b.want(201, request{method: "POST", path: "/v1/users", body: fmt.Sprintf(`{"name":%q,"role":"viewer"}`, name)})
		b.want(201, request{method: "POST", path: "/v1/keys", body: fmt.Sprintf(`{"name":%q,"scopes":["read"]}`, strings.ToUpper(name))})
	}
	for query, want := range map[string]string{
		"":                     "tasks-2 alpha tasks zoo",
		"order=newest":         "tasks-2 alpha tasks zoo",
		"order=oldest":         "zoo tasks alpha tasks-2",
		"order=name":           "alpha tasks tasks-2 zoo",
		"q=TASKS":              "tasks-2 tasks",
		"q=TASKS&order=name":   "tasks tasks-2",
		"q=tas+2":              "tasks-2",
		"q=%25":                "",
		"q=a&order=oldest":     "tasks alpha tasks-2",
		"q=nothing&order=name": "",
	} {
		for _, list := range []string{"sources", "users", "keys"} {
			for _, limit := range []int{1, 2, 200} {
				names, _, _ := b.walk(fmt.Sprintf("/v1/%s?limit=%d&%s", list, limit, query), "name")
				names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "bench") })
				for i := range names {
					names[i] = strings.ToLower(names[i])
				}
				if got := strings.Join(names, " "); got != want {
					t.Errorf("%s?%s in pages of %d lists %q, not %q", list, query, limit, got, want)
				}
			}
		}
	}
	row := b.want(200, request{method: "GET", path: "/v1/sources?q=desc2"})["data"].([]any)[0].(map[string]any)
	if row["name"] != "alpha" {
		t.Errorf("the description found %v", row)
	}
	id := row["id"].(string)
	for _, text := range []string{id, id[:len(id)-1]} {
		if got, _, _ := b.walk("/v1/sources?q="+text, "name"); !slices.Contains(got, "alpha") {
			t.Errorf("%s found %q", text, got)
		}
	}
	// A cursor belongs to one order of one list.
	next := b.want(200, request{method: "GET", path: "/v1/sources?order=name&limit=1"})["next_cursor"].(string)
	for _, path := range []string{"/v1/sources?cursor=", "/v1/sources?order=oldest&cursor=", "/v1/keys?order=name&cursor="} {
		b.want(422, request{method: "GET", path: path + next})
	}
	b.want(422, request{method: "GET", path: "/v1/users?q=" + strings.Repeat("x", 201)})
	b.want(200, request{method: "GET", path: "/v1/users?q=" + strings.Repeat("x", 200)})
	b.want(422, request{method: "GET", path: "/v1/users?order=size"})
}
