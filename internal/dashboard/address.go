package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/pealhq/peal/internal/identity"
)

// ofTenant is what the addresses of a tenant's pages begin with, before its name: whoever opens
// one sees the same tenant, whatever their browser remembers.
const ofTenant = "/t/"

// ownBase returns what the addresses of the call's pages begin with.
func (c *call) ownBase(tenant string) string {
	if c.portal != nil {
		return portalPath
	}
	return tenantBase(tenant)
}

// tenantBase returns what the addresses of a tenant's pages begin with.
func tenantBase(tenant string) string { return ofTenant + url.PathEscape(tenant) }

// toTenant leads from an address that names no tenant to the same page of the remembered one.
func (d *Dashboard) toTenant(w http.ResponseWriter, r *http.Request) {
	who, _ := identity.FromContext(r.Context())
	c := &call{w: w, r: r, d: d, who: who}
	query := r.URL.Query()
	tenant := c.rememberedTenant()
	query.Del("tenant")
	to := c.ownBase(tenant) + r.URL.EscapedPath()
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	lead(w, r, to)
}

// linksInto moves the links of a page to where its addresses begin. In what html/template makes,
// a double quote stands only around attributes: in texts it is written &#34;.
func linksInto(base string) *strings.Replacer {
	var pairs []string
	for _, name := range []string{"href", "action", "formaction", "src", "hx-get", "hx-post", "data-live", "data-follow"} {
		begin := " " + name + `="/`
		for _, outside := range []string{"static/", "portal/", "login", "logout", "t/"} {
			pairs = append(pairs, begin+outside, begin+outside)
		}
		pairs = append(pairs, begin, " "+name+`="`+base+"/")
	}
	return strings.NewReplacer(pairs...)
}
