package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// newSource returns a source with every stored field set.
func (h *harness) newSource(name string) peal.Source {
	now := moment()
	return peal.Source{
		ID: peal.NewSourceID(), Tenant: h.tenant, Name: name, Format: "vikunja",
		Secrets: []peal.Secret{
			{Value: "new ü", CreatedAt: now},
			{Value: "old", CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour)},
		},
		Dedup: peal.DedupBody, Description: "what it is for", Status: peal.Active, UpdatedAt: now,
	}
}

func (h *harness) source(name string) peal.Source {
	h.t.Helper()
	source, err := h.store.CreateSource(h.ctx, h.newSource(name))
	h.must(err)
	return source
}

var sourceTests = map[string]func(*testing.T, *harness){
	"what is created comes back": func(t *testing.T, h *harness) {
		want := h.newSource("tasks")
		created, err := h.store.CreateSource(h.ctx, want)
		h.must(err)
		if created.Revision == 0 {
			t.Error("it has no revision")
		}
		want.Revision = created.Revision
		h.equal(created, want, "created source")
		for _, tenant := range []string{h.tenant, ""} {
			got, err := h.store.Source(h.ctx, tenant, want.ID)
			h.must(err)
			h.equal(got, want, "source")
		}
		got, err := h.store.SourceByName(h.ctx, h.tenant, "tasks")
		h.must(err)
		h.equal(got, want, "source by name")
		tenant, err := h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		if tenant.CreatedAt.IsZero() {
			t.Error("its tenant has no time of its creation")
		}
	},
	"the least comes back as it was": func(t *testing.T, h *harness) {
		created, err := h.store.CreateSource(h.ctx, peal.Source{
			ID: peal.NewSourceID(), Tenant: h.tenant, Name: "open", Format: "dejacode", Unverified: true, Dedup: peal.DedupID,
			Status: peal.Disabled, UpdatedAt: moment(),
		})
		h.must(err)
		got, err := h.store.Source(h.ctx, h.tenant, created.ID)
		h.must(err)
		h.equal(got, created, "source")
	},
	"ids and names are taken once": func(t *testing.T, h *harness) {
		first := h.source("tasks")
		same := h.newSource("tasks")
		_, err := h.store.CreateSource(h.ctx, same)
		h.refused(err, peal.Conflict)
		same.ID, same.Name = first.ID, "other"
		_, err = h.store.CreateSource(h.ctx, same)
		h.refused(err, peal.Conflict)
		elsewhere := h.newSource("tasks")
		elsewhere.Tenant += "-other"
		_, err = h.store.CreateSource(h.ctx, elsewhere)
		h.must(err)
		h.must(h.store.DeleteSource(h.ctx, h.tenant, first.ID))
		h.source("tasks")
	},
	"an update replaces the settings and keeps the counts": func(t *testing.T, h *harness) {
		created := h.source("tasks")
		counts := peal.SourceCounts{Accepted: 1, AcceptedAt: moment()}
		h.must(h.store.AddSourceCounts(h.ctx, map[peal.SourceID]peal.SourceCounts{created.ID: counts}))
		change := peal.Source{
			ID: created.ID, Tenant: h.tenant, Name: "renamed", Format: "standard", Unverified: true, Dedup: peal.DedupID,
			Status: peal.Disabled, UpdatedAt: moment().Add(time.Hour), Revision: created.Revision,
		}
		updated, err := h.store.UpdateSource(h.ctx, change)
		h.must(err)
		if updated.Revision <= created.Revision {
			t.Errorf("the revision went from %d to %d", created.Revision, updated.Revision)
		}
		change.Name, change.Revision, change.Counts = "tasks", updated.Revision, counts
		h.equal(updated, change, "updated source")
		got, err := h.store.Source(h.ctx, h.tenant, created.ID)
		h.must(err)
		h.equal(got, change, "source")

		_, err = h.store.UpdateSource(h.ctx, created)
		h.refused(err, peal.Conflict)
		got, err = h.store.Source(h.ctx, h.tenant, created.ID)
		h.must(err)
		h.equal(got, updated, "source after a refused update")
	},
	"only its tenant sees it": func(t *testing.T, h *harness) {
		source := h.source("tasks")
		stranger := h.tenant + "-stranger"
		_, err := h.store.Source(h.ctx, stranger, source.ID)
		h.refused(err, peal.NotFound)
		_, err = h.store.SourceByName(h.ctx, stranger, "tasks")
		h.refused(err, peal.NotFound)
		h.refused(h.store.DeleteSource(h.ctx, stranger, source.ID), peal.NotFound)
		theirs := source
		theirs.Tenant = stranger
		_, err = h.store.UpdateSource(h.ctx, theirs)
		h.refused(err, peal.NotFound)
		list, err := h.store.Sources(h.ctx, stranger, peal.SourceID{}, 10)
		h.must(err)
		h.equal(len(list), 0, "sources of a stranger")
	},
	"an unknown or deleted one is not found": func(t *testing.T, h *harness) {
		unknown, gone := h.newSource("unknown"), h.source("gone")
		h.must(h.store.DeleteSource(h.ctx, h.tenant, gone.ID))
		for _, source := range []peal.Source{unknown, gone} {
			_, err := h.store.Source(h.ctx, h.tenant, source.ID)
			h.refused(err, peal.NotFound)
			_, err = h.store.Source(h.ctx, "", source.ID)
			h.refused(err, peal.NotFound)
			_, err = h.store.SourceByName(h.ctx, h.tenant, source.Name)
			h.refused(err, peal.NotFound)
			_, err = h.store.UpdateSource(h.ctx, source)
			h.refused(err, peal.NotFound)
			h.refused(h.store.DeleteSource(h.ctx, h.tenant, source.ID), peal.NotFound)
			h.must(h.store.AddSourceCounts(h.ctx, map[peal.SourceID]peal.SourceCounts{source.ID: {Accepted: 1}}))
		}
	},
	"counts add up": func(t *testing.T, h *harness) {
		source, other := h.source("tasks"), h.source("other")
		early, late := moment(), moment().Add(time.Minute)
		var want peal.SourceCounts
		for _, more := range []peal.SourceCounts{
			{Accepted: 2, Duplicate: 1, AcceptedAt: early},
			{Refused: 5, RefusedAt: late, Refusal: "late ü"},
			{Accepted: 1, AcceptedAt: late, Refused: 1, RefusedAt: early, Refusal: "early"},
			{},
		} {
			h.must(h.store.AddSourceCounts(h.ctx, map[peal.SourceID]peal.SourceCounts{source.ID: more, other.ID: {Accepted: 1}}))
			want.Add(more)
			got, err := h.store.Source(h.ctx, h.tenant, source.ID)
			h.must(err)
			h.equal(got.Counts, want, "counts")
			h.equal(got.Revision, source.Revision, "revision")
		}
		h.equal(want, peal.SourceCounts{Accepted: 3, Duplicate: 1, Refused: 6, AcceptedAt: late, RefusedAt: late,
			Refusal: "late ü"}, "sum")
		got, err := h.store.Source(h.ctx, h.tenant, other.ID)
		h.must(err)
		h.equal(got.Counts, peal.SourceCounts{Accepted: 4}, "counts of another one")
	},
	"they are listed newest first": func(t *testing.T, h *harness) {
		var want []peal.SourceID
		for _, name := range []string{"c", "a", "d", "b", "e"} {
			want = append([]peal.SourceID{h.source(name).ID}, want...)
		}
		var got []peal.SourceID
		var before peal.SourceID
		for {
			page, err := h.store.Sources(h.ctx, h.tenant, before, 2)
			h.must(err)
			for _, source := range page {
				got = append(got, source.ID)
				before = source.ID
			}
			if len(page) < 2 {
				break
			}
		}
		h.equal(got, want, "ids")
	},
}
