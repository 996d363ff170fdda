package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/pealhq/peal/internal/identity"
)

// ofTenant is the start of the addresses of a tenant's pages, before its name. Everybody who opens
// such an address sees the same tenant, whichever their browser remembers.
const ofTenant = "/t/"

// ownBase returns the start of the addresses of the call's pages.
func (c *call) ownBase(tenant string) string {
	if c.portal != nil {
		return portalPath
	}
	return tenantBase(tenant)
}

// tenantBase returns the start of the addresses of a tenant's pages.
func tenantBase(tenant string) string { return ofTenant + url.PathEscape(tenant) }

// toTenant redirects from an address without a tenant to the same page of the remembered tenant.
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

// linksInto returns a replacer that adds base to the links of a page. In the output of
// html/template, double quotes occur only around attributes: in texts they are &#34;.
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
