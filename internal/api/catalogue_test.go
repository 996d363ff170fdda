package api_test

import (
	"slices"
	"testing"

	"github.com/pealhq/peal"
)

// TestCataloguesAreApart puts the same type into two catalogues: each tenant finds the type of its
// catalogue, and only operators may name another one.
func TestCataloguesAreApart(t *testing.T) {
	b := newBench(t)
	b.want(201, request{method: "POST", path: "/v1/tenants", body: `{"name":"acme","catalogue":"crm"}`})
	b.want(201, request{method: "PUT", path: "/v1/event-types/task.created", body: `{"description":"of the default"}`})
	put := b.want(201, request{method: "PUT", path: "/v1/event-types/task.created?catalogue=crm", body: `{"description":"of the CRM"}`})
	if put["catalogue"] != "crm" {
		t.Errorf("the type is in %v", put["catalogue"])
	}
	b.want(201, request{method: "PUT", path: "/v1/event-types/task.done", header: map[string]string{"Peal-Tenant": "acme"}, body: `{}`})

	key := b.newKey("acme", peal.ScopeRead)
	other := b.newKey("other", peal.ScopeRead)
	for who, want := range map[string]string{key: "of the CRM", other: "of the default", "": "of the default"} {
		if got := b.want(200, request{method: "GET", path: "/v1/event-types/task.created", key: who}); got["description"] != want {
			t.Errorf("%q finds the type %v", want, got)
		}
	}
	names := func(r request) (names []string) {
		for _, row := range b.want(200, r)["data"].([]any) {
			names = append(names, row.(map[string]any)["name"].(string))
		}
		return names
	}
	if got := names(request{method: "GET", path: "/v1/event-types", key: key}); !slices.Equal(got, []string{"task.created", "task.done"}) {
		t.Errorf("acme's types are %q", got)
	}
	if got := names(request{method: "GET", path: "/v1/event-types", key: other}); !slices.Equal(got, []string{"task.created"}) {
		t.Errorf("the other's types are %q", got)
	}
	if got := names(request{method: "GET", path: "/v1/catalogues"}); !slices.Equal(got, []string{"crm", "default"}) {
		t.Errorf("the catalogues are %q", got)
	}

	for _, path := range []string{"/v1/event-types?catalogue=crm", "/v1/event-types/task.created?catalogue=crm", "/v1/event-types?catalogue=default", "/v1/event-types?catalogue=nothing"} {
		b.refused(403, "forbidden", request{method: "GET", path: path, key: other})
	}
	for _, name := range []string{"", "-a", "a%2Fb", "a%20b", "%C3%BC"} {
		if places := b.refused(422, "invalid", request{method: "GET", path: "/v1/event-types?catalogue=" + name}); !slices.Equal(places, []string{"query.catalogue"}) {
			t.Errorf("the catalogue %q is refused at %q", name, places)
		}
	}
	if places := b.refused(422, "invalid", request{method: "PATCH", path: "/v1/tenants/acme", body: `{"catalogue":"a/b"}`}); !slices.Equal(places, []string{"body.catalogue"}) {
		t.Errorf("a bad catalogue is refused at %q", places)
	}
	if got := b.want(200, request{method: "PATCH", path: "/v1/tenants/acme", body: `{"catalogue":null}`}); got["catalogue"] != "default" {
		t.Errorf("the tenant's catalogue is %v", got["catalogue"])
	}
	b.want(204, request{method: "DELETE", path: "/v1/event-types/task.created?catalogue=crm"})
	b.want(200, request{method: "GET", path: "/v1/event-types/task.created"})
}
