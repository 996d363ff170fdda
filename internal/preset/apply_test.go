package preset_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/preset"
)

func count(changes []preset.Change) map[preset.Action]int {
	counts := make(map[preset.Action]int)
	for _, change := range changes {
		counts[change.Action]++
	}
	return counts
}

func TestApply(t *testing.T) {
	c, _ := startServer(t)
	p, _ := preset.Lookup("vikunja")
	all := len(p.Events) + 1 // the tenant too
	apply := func(options preset.ApplyOptions) []preset.Change {
		t.Helper()
		changes, err := p.Apply(t.Context(), c, options)
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}

	t.Run("a dry run changes nothing", func(t *testing.T) {
		changes := apply(preset.ApplyOptions{Tenant: "acme", DryRun: true})
		if got := count(changes); got[preset.Created] != all {
			t.Errorf("%v, want %d created", got, all)
		}
		if _, err := c.Tenant(t.Context(), "acme"); client.StatusOf(err) != http.StatusNotFound {
			t.Errorf("the tenant: %v", err)
		}
		if _, err := c.EventType(t.Context(), "task.created", client.EventTypeQuery{Catalogue: p.Name}); client.StatusOf(err) != http.StatusNotFound {
			t.Errorf("the event type: %v", err)
		}
	})

	t.Run("the first time", func(t *testing.T) {
		changes := apply(preset.ApplyOptions{Tenant: "acme"})
		if got := count(changes); got[preset.Created] != all {
			t.Errorf("%v, want %d created", got, all)
		}
		tenant, err := c.Tenant(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		if tenant.Format != "vikunja" {
			t.Errorf("the tenant's format is %q", tenant.Format)
		}
		if diff := cmp.Diff(&p.RetryPolicy, tenant.RetryPolicy); diff != "" {
			t.Errorf("the tenant's policy (-want +got):\n%s", diff)
		}
	})

	t.Run("the second time", func(t *testing.T) {
		changes := apply(preset.ApplyOptions{Tenant: "acme"})
		if got := count(changes); got[preset.Unchanged] != all {
			t.Errorf("%v, want %d unchanged", got, all)
		}
	})

	t.Run("to a tenant that exists", func(t *testing.T) {
		changes := apply(preset.ApplyOptions{Tenant: "default"})
		want := preset.Change{Kind: "tenant", Name: "default", Action: preset.Updated}
		if got := changes[len(changes)-1]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})

	t.Run("over an entry that was changed", func(t *testing.T) {
		if _, err := c.PutEventType(t.Context(), "task.created", client.EventTypeQuery{Catalogue: p.Name}, client.EventTypeRequest{Description: new("mine")}); err != nil {
			t.Fatal(err)
		}
		changes := apply(preset.ApplyOptions{Tenant: "acme"})
		if got := count(changes); got[preset.Updated] != 1 || got[preset.Unchanged] != all-1 {
			t.Errorf("%v, want one updated", got)
		}
		entry, err := c.EventType(t.Context(), "task.created", client.EventTypeQuery{Catalogue: p.Name})
		if err != nil {
			t.Fatal(err)
		}
		e, _ := p.Event("task.created")
		if diff := cmp.Diff(value(t, e.Schema), value(t, entry.Schema)); diff != "" {
			t.Errorf("the schema (-want +got):\n%s", diff)
		}
	})

	t.Run("beside another preset", func(t *testing.T) {
		other, _ := preset.Lookup("workspace")
		changes, err := other.Apply(t.Context(), c, preset.ApplyOptions{Tenant: "workspace"})
		if err != nil {
			t.Fatal(err)
		}
		if got := count(changes); got[preset.Created] != len(changes) {
			t.Errorf("%v, want %d created", got, len(changes))
		}
		for tenant, p := range map[string]*preset.Preset{"acme": p, "workspace": other} {
			entry, err := c.ForTenant(tenant).EventType(t.Context(), "task.created", client.EventTypeQuery{})
			if err != nil {
				t.Fatal(err)
			}
			e, _ := p.Event("task.created")
			if entry.Catalogue != p.Name || entry.Description != e.Description {
				t.Errorf("the tenant %s finds task.created of %s: %s", tenant, entry.Catalogue, entry.Description)
			}
		}
	})
}

func TestApplyNeedsAnOperator(t *testing.T) {
	_, address := startServer(t)
	p, _ := preset.Lookup("dejacode")
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	options := client.DefaultOptions()
	options.HTTPClient = &http.Client{Transport: transport}
	c, err := client.New(address, "a-key-that-nobody-has", options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Apply(t.Context(), c, preset.ApplyOptions{Tenant: "acme"}); client.StatusOf(err) != http.StatusUnauthorized {
		t.Errorf("%v, want 401", err)
	}
}
