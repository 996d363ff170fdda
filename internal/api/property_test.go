package api_test

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/longtest"
)

// TestGeneratedRequests sends requests that are generated from the document. None is
// answered with a 5xx, and every answer is as the document describes it.
func TestGeneratedRequests(t *testing.T) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer sink.Close()
	b := newBench(t, func(o *dispatch.Options) {
		// Every connection goes to the sink, for any URL.
		o.Egress.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", sink.Listener.Addr().String())
		}
	})
	doc := readDocument(t, b)
	check := newChecker(t, doc)
	operations := map[string]*operation{}
	for _, op := range doc.operations() {
		operations[op.OperationID] = op
	}
	names := slices.Sorted(maps.Keys(operations))
	keys := []string{"", "", "", "", b.newKey("default", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead), b.newKey("default", peal.ScopeRead), "none"}
	ids := map[string][]string{"names": {"default", "task.created"}}
	answered := map[string]map[int]int{}

	longtest.Cases(t, 40, 2000)
	rapid.Check(t, func(rt *rapid.T) {
		g := &generator{T: rt, doc: doc, urls: []string{sink.URL, "http://example.test/hook"}}
		for range 25 {
			op := operations[rapid.SampledFrom(names).Draw(rt, "operation")]
			r := request{method: op.method, path: op.path, key: rapid.SampledFrom(keys).Draw(rt, "key"), body: g.body(op), header: map[string]string{}}
			query := url.Values{}
			for _, p := range op.Parameters {
				switch {
				case p.In == "path":
					r.path = strings.Replace(r.path, "{"+p.Name+"}", url.PathEscape(g.name(p.Name, op.path, ids)), 1)
				case p.In == "query" && g.chance(25):
					query.Set(p.Name, g.parameter(p.Name, p.Schema, ids))
				case p.In == "header" && g.chance(10):
					r.header[p.Name] = strings.Map(printable, g.parameter(p.Name, p.Schema, ids))
				}
			}
			if g.chance(3) {
				query.Set("unknown", "1")
			}
			if len(query) > 0 {
				r.path += "?" + query.Encode()
			}
			if g.chance(3) {
				r.header["Content-Type"] = "text/plain"
			}
			got := b.do(r)
			if got.StatusCode >= 500 {
				rt.Fatalf("%s %s %s answered %d: %s", r.method, r.path, r.body, got.StatusCode, got.body)
			}
			if wrong := check.check(op, got); wrong != "" {
				rt.Fatalf("%s %s %s %s", r.method, r.path, r.body, wrong)
			}
			if answered[op.OperationID] == nil {
				answered[op.OperationID] = map[int]int{}
			}
			answered[op.OperationID][got.StatusCode]++
			remember(ids, op.path, got.body)
		}
	})
	for _, op := range operations {
		good := 0
		for status, count := range answered[op.OperationID] {
			if status < 300 {
				good += count
			}
		}
		if good == 0 {
			t.Logf("no generated request of %s succeeded: %v", op.OperationID, answered[op.OperationID])
		}
	}
}

func printable(r rune) rune {
	if r < 0x20 || r > 0x7e {
		return -1
	}
	return r
}

// name returns a name for a path: mostly an existing one.
func (g *generator) name(parameter, path string, ids map[string][]string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	switch parameter {
	case "name", "tenant":
		kind = "names"
	case "source":
		kind = "sources"
	}
	if known := ids[kind]; len(known) > 0 && !g.chance(30) {
		return rapid.SampledFrom(known).Draw(g.T, "known")
	}
	return rapid.SampledFrom([]string{"x", "webhook_01h455vb4pex5vsknk084sn02q", "delivery_01h455vb4pex5vsknk084sn02q", "key_01h455vb4pex5vsknk084sn02q", "ä", "\x00", "a b", "a/b", "%", "\xff", strings.Repeat("x", 300)}).Draw(g.T, "name")
}

// parameter is a value of a query parameter or header.
func (g *generator) parameter(name string, schema map[string]any, ids map[string][]string) string {
	for parameter, kind := range map[string]string{"webhook": "webhooks", "event": "events", "cursor": "cursors"} {
		if name == parameter && len(ids[kind]) > 0 && !g.chance(30) {
			return rapid.SampledFrom(ids[kind]).Draw(g.T, "known")
		}
	}
	switch value := g.value(schema).(type) {
	case string:
		return value
	default:
		text, err := json.Marshal(value)
		if err != nil {
			g.Fatal(err)
		}
		return string(text)
	}
}

// remember keeps some of the ids and cursors that answers name.
func remember(ids map[string][]string, path string, body []byte) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	var one struct {
		ID, Name   string
		NextCursor string          `json:"next_cursor"`
		Data       json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &one) != nil {
		return
	}
	rows := []struct{ ID, Name string }{{one.ID, one.Name}}
	var list []struct{ ID, Name string }
	if json.Unmarshal(one.Data, &list) == nil {
		rows = append(rows, list...)
	}
	add := func(kind, value string) {
		if value != "" && len(ids[kind]) < 100 {
			ids[kind] = append(ids[kind], value)
		}
	}
	for _, row := range rows {
		add(kind, row.ID)
	}
	add("cursors", one.NextCursor)
}
