package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
)

func TestSourceFromCreationToDeletion(t *testing.T) {
	b := newBench(t)
	made := b.want(201, request{method: "POST", path: "/v1/sources", tenant: "acme", body: `{"name":"tasks","format":"vikunja","secret":"hush","description":"d"}`})
	id := made["id"].(string)
	path := "/v1/sources/" + id
	want := map[string]any{
		"id": id, "tenant": "acme", "name": "tasks", "paths": []any{"/in/" + id, "/in/acme/tasks"}, "format": "vikunja", "secret": "[set]",
		"unverified": false, "dedup": "id", "description": "d", "status": "active", "created_at": made["created_at"], "updated_at": made["updated_at"],
		"counts": map[string]any{"accepted": 0.0, "duplicate": 0.0, "refused": 0.0, "last_accepted_at": nil, "last_refused_at": nil, "last_refusal": nil},
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, b.want(200, request{method: "GET", path: path, tenant: "acme"})); diff != "" {
		t.Error(diff)
	}
	list := b.want(200, request{method: "GET", path: "/v1/sources", tenant: "acme"})
	if diff := cmp.Diff([]any{want}, list["data"]); diff != "" {
		t.Error(diff)
	}
	b.refused(409, "conflict", request{method: "POST", path: "/v1/sources", tenant: "acme", body: `{"name":"tasks","format":"vikunja","secret":"x"}`})
	b.newSource("default", `{"name":"tasks","format":"vikunja","secret":"x"}`)

	change := func(body string) map[string]any {
		return b.want(200, request{method: "PATCH", path: path, tenant: "acme", body: body})
	}
	got := change(`{"secret":"[set]","dedup":"body","status":"disabled","description":null}`)
	if got["secret"] != "[set]" || got["dedup"] != "body" || got["status"] != "disabled" || got["description"] != "" {
		t.Errorf("changed to %v", got)
	}
	got = change(`{"unverified":true,"secret":null,"status":null,"dedup":null}`)
	if got["secret"] != nil || got["unverified"] != true || got["status"] != "active" || got["dedup"] != "id" {
		t.Errorf("changed to %v", got)
	}
	if diff := cmp.Diff([]any{"/in/" + id}, got["paths"]); diff != "" {
		t.Error(diff)
	}
	b.want(204, request{method: "DELETE", path: path, tenant: "acme"})
	for _, method := range []string{"GET", "DELETE"} {
		b.refused(404, "not-found", request{method: method, path: path, tenant: "acme"})
	}
	b.refused(404, "not-found", request{method: "PATCH", path: path, tenant: "acme", body: `{"status":"active"}`})
	b.refused(404, "not-found", request{method: "POST", path: "/in/" + id, key: "none", body: `{}`})
}

func TestRefusedSources(t *testing.T) {
	b := newBench(t)
	id := b.newSource("default", `{"name":"there","format":"vikunja","secret":"x"}`)
	for body, place := range map[string]string{
		`{"format":"vikunja","secret":"x"}`:                                                              "body.name",
		`{"name":"n","secret":"x"}`:                                                                      "body.format",
		`{"name":"n","format":"vikunja"}`:                                                                "body.secret",
		`{"name":"n","format":"vikunja","secret":""}`:                                                    "body.secret",
		`{"name":"n","format":"vikunja","secret":"a\nb"}`:                                                "body.secret",
		`{"name":"n","format":"vikunja","secret":"` + strings.Repeat("x", 4097) + `"}`:                   "body.secret",
		`{"name":"n","format":"wireguard-portal"}`:                                                       "body.secret",
		`{"name":"n","format":"wireguard-portal","secret":"Bearer x "}`:                                  "body.secret",
		`{"name":"n","format":"standard","secret":"x"}`:                                                  "body.secret",
		`{"name":"n","format":"standard","secret":"whsec_AAAA"}`:                                         "body.secret",
		`{"name":"n","format":"slack","secret":"x"}`:                                                     "body.format",
		`{"name":"n","format":"nope","secret":"x"}`:                                                      "body.format",
		`{"name":"n","format":"vikunja","secret":"x","unverified":true}`:                                 "body.unverified",
		`{"name":"n","format":"vikunja","secret":"x","dedup":"all"}`:                                     "body.dedup",
		`{"name":"n","format":"vikunja","secret":"x","status":"paused"}`:                                 "body.status",
		`{"name":"","format":"vikunja","secret":"x"}`:                                                    "body.name",
		`{"name":"a b","format":"vikunja","secret":"x"}`:                                                 "body.name",
		`{"name":"-a","format":"vikunja","secret":"x"}`:                                                  "body.name",
		`{"name":"source_a","format":"vikunja","secret":"x"}`:                                            "body.name",
		`{"name":"` + strings.Repeat("x", 65) + `","format":"vikunja","secret":"x"}`:                     "body.name",
		`{"name":"n","format":"vikunja","secret":"x","description":"` + strings.Repeat("x", 4097) + `"}`: "body.description",
		`{"name":"n","format":"vikunja","secret":"x","other":1}`:                                         "body.other",
	} {
		if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/sources", body: body}); !slices.Contains(places, place) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	for body, place := range map[string]string{
		`{"secret":null}`: "body.secret", `{"unverified":true}`: "body.unverified", `{"name":"other"}`: "body.name",
		`{"format":"standard"}`: "body.secret", `{"format":"slack"}`: "body.format",
	} {
		if places := b.refused(422, "invalid", request{method: "PATCH", path: "/v1/sources/" + id, body: body}); !slices.Contains(places, place) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/sources", tenant: "peal", body: `{"name":"n","format":"vikunja","secret":"x"}`})
}

// TestSourcesLetNobodyPublish: who may not publish cannot make a source do it.
func TestSourcesLetNobodyPublish(t *testing.T) {
	b := newBench(t)
	id := b.newSource("acme", `{"name":"tasks","format":"vikunja","secret":"x"}`)
	manager := b.newKey("acme", peal.ScopeManage, peal.ScopeRead)
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/sources", key: manager, body: `{"name":"n","format":"vikunja","secret":"x"}`})
	b.refused(403, "forbidden", request{method: "PATCH", path: "/v1/sources/" + id, key: manager, body: `{"secret":"mine"}`})
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/sources/" + id + "/secret/rotate", key: manager})
	b.want(200, request{method: "GET", path: "/v1/sources/" + id, key: manager})
	both := b.newKey("acme", peal.ScopeManage, peal.ScopePublish)
	b.want(200, request{method: "PATCH", path: "/v1/sources/" + id, key: both, body: `{"secret":"mine"}`})
	b.want(204, request{method: "DELETE", path: "/v1/sources/" + id, key: manager})
}

func TestSourcesInPages(t *testing.T) {
	b := newBench(t)
	var want []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		want = append([]string{b.newSource("acme", `{"name":"`+name+`","format":"dejacode","unverified":true}`)}, want...)
	}
	var got []string
	for path := "/v1/sources?limit=2"; path != ""; {
		list := b.want(200, request{method: "GET", path: path, tenant: "acme"})
		for _, row := range list["data"].([]any) {
			got = append(got, row.(map[string]any)["id"].(string))
		}
		path = ""
		if cursor, more := list["next_cursor"].(string); more {
			path = "/v1/sources?limit=2&cursor=" + cursor
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}
