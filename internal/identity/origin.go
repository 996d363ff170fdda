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

// CheckOrigin refuses a changing request that a browser sends for another site's page:
// Forbidden. Whatever takes a session's cookie calls it first.
func (i *Identity) CheckOrigin(r *http.Request) error {
	if err := i.crossOrigin.Check(r); err != nil {
		return &peal.Error{Code: peal.Forbidden, Message: "the request comes from another site's page", Err: err}
	}
	return nil
}
