package front

import (
	"net/http"
	"strings"
)

// pagePolicy allows a page to load style sheets, scripts and images of this server, and forbids
// inline ones.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "

// ProtectPage sets the security headers of a page. ancestors lists the origins that may show it in
// a frame; none for most pages.
func ProtectPage(h http.Header, ancestors ...string) {
	framed := "'none'"
	if len(ancestors) > 0 {
		framed = strings.Join(ancestors, " ")
	}
	h.Set("Content-Security-Policy", pagePolicy+"frame-ancestors "+framed)
	if len(ancestors) == 0 {
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
