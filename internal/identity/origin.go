package identity

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/pealhq/peal"
)

// checkOrigin wants a scheme, a host and nothing else.
func checkOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.String() != u.Scheme+"://"+u.Host || strings.ContainsAny(u.Host, ";,*'\"") {
		return peal.Invalidf("", "must be an origin without a path, such as https://hooks.example.com")
	}
	return nil
}

// URL gives the address of a path of this server, as the browser of a request reaches it.
func (i *Identity) URL(r *http.Request, path string) string {
	if i.publicURL != "" {
		return i.publicURL + path
	}
	scheme := "http://"
	if i.proxies.Secure(r) {
		scheme = "https://"
	}
	return scheme + r.Host + path
}

// CheckSite refuses any request that a browser sends on behalf of another site, reading ones
// and followed links included: Forbidden. What is not made for people to look at calls it.
func (i *Identity) CheckSite(r *http.Request) error {
	if i.FromElsewhere(r) {
		return peal.Errorf(peal.Forbidden, "the request comes from another site's page")
	}
	return i.CheckOrigin(r)
}

// FromElsewhere reports whether a browser says that another site's page made a request, by a
// link or by itself (the header Sec-Fetch-Site of W3C Fetch Metadata).
func (i *Identity) FromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// CheckOrigin refuses a changing request that a browser sends for another site's page:
// Forbidden. Whatever takes a session's cookie calls it first.
func (i *Identity) CheckOrigin(r *http.Request) error {
	if err := i.crossOrigin.Check(r); err != nil {
		return &peal.Error{Code: peal.Forbidden, Message: "the request comes from another site's page", Err: err}
	}
	return nil
}
