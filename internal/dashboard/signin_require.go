package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// signedIn serves a page to signed-in users, with the user in identity.FromContext. It redirects
// others to the sign-in page, which returns to the same page.
func (d *Dashboard) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := d.identity.Caller(r)
		switch {
		case err == nil:
			next(w, r.WithContext(identity.With(r.Context(), who)))
		case peal.CodeOf(err) == peal.Unauthorized:
			d.askToSignIn(w, r)
		default:
			d.fail(w, r, err)
		}
	}
}

// askToSignIn redirects a browser to the sign-in page. For htmx it uses a header, which replaces
// the whole page.
func (d *Dashboard) askToSignIn(w http.ResponseWriter, r *http.Request) {
	page := "/"
	switch {
	case r.Header.Get("HX-Request") == "true":
		page = pathOf(r.Header.Get("HX-Current-URL"))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		page = r.URL.RequestURI()
	default:
		page = pathOf(r.Referer())
	}
	target := "/login"
	if page = localPath(page); page != "/" {
		target += "?next=" + url.QueryEscape(page)
	}
	if r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Redirect", target)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// pathOf returns the path and query of a URL from a browser.
func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "/"
	}
	return u.RequestURI()
}

// localPath returns next if it is a path on this server, and "/" for anything that might lead
// elsewhere: browsers take //host and /\host for other servers, and ignore control characters.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, func(r rune) bool { return r <= 0x20 || r == 0x7f || r == '\\' }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || u.Path == "/login" || strings.HasPrefix(u.Path, "/login/") || u.Path == "/logout" {
		return "/"
	}
	return next
}

// retryAfter returns the time to wait according to an error.
func retryAfter(err error) time.Duration {
	var e *peal.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
