package storetest

import (
	"testing"

	"github.com/pealhq/peal"
)

var themeTests = map[string]func(*testing.T, *harness){
	"what is set comes back": func(t *testing.T, h *harness) {
		for i, want := range []peal.Theme{{
			Name: "Acme ü", Logo: []byte("\x89PNG\x00\xff"), Mode: peal.ThemeDark, Language: "de",
			Light:  peal.ThemePalette{Brand: "#112233", Background: "#ffffff", Surface: "#fefefe", Text: "#000000"},
			Dark:   peal.ThemePalette{Brand: "#aabbcc"},
			Hidden: []peal.PortalPart{peal.PartEvents, peal.PartSecrets},
		}, {}} {
			want.Revision = int64(i)
			h.must(h.store.PutTheme(h.ctx, h.tenant, want))
			h.stale(h.store.PutTheme(h.ctx, h.tenant, want))
			want.Revision++
			got, err := h.store.Theme(h.ctx, h.tenant)
			h.must(err)
			h.equal(got, want, "theme")
		}
		tenant, err := h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		if tenant.CreatedAt.IsZero() {
			t.Error("its tenant has no time of its creation")
		}
	},
	"each tenant has its own": func(t *testing.T, h *harness) {
		other := h.tenant + "-other"
		h.must(h.store.PutTheme(h.ctx, h.tenant, peal.Theme{Name: "one"}))
		_, err := h.store.Theme(h.ctx, other)
		h.refused(err, peal.NotFound)
		h.must(h.store.PutTheme(h.ctx, other, peal.Theme{Name: "other"}))
		h.must(h.store.DeleteTheme(h.ctx, other))
		got, err := h.store.Theme(h.ctx, h.tenant)
		h.must(err)
		h.equal(got, peal.Theme{Name: "one", Revision: 1}, "theme")
	},
	"what is deleted or was never set is not found": func(t *testing.T, h *harness) {
		h.refused(h.store.DeleteTheme(h.ctx, h.tenant), peal.NotFound)
		h.must(h.store.PutTheme(h.ctx, h.tenant, peal.Theme{Name: "one"}))
		h.must(h.store.DeleteTheme(h.ctx, h.tenant))
		_, err := h.store.Theme(h.ctx, h.tenant)
		h.refused(err, peal.NotFound)
		h.refused(h.store.DeleteTheme(h.ctx, h.tenant), peal.NotFound)
	},
}
