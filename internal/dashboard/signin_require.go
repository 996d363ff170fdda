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

// signedIn serves a page to those who are signed in; identity.FromContext tells it who.
// Anybody else is sent to sign in, and comes back to the same page then.
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

// askToSignIn sends a browser to the sign-in page. htmx follows no redirect by itself:
// a header tells it where the whole page goes.
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

// pathOf gives the path and query of a URL that a browser says it is at.
func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "/"
	}
	return u.RequestURI()
}

// localPath gives a path of this server, "/" for anything that might lead elsewhere: a
// browser takes //host and /\host for other servers, and overlooks control characters.
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

// retryAfter is how long an error says to wait.
func retryAfter(err error) time.Duration {
	var e *peal.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
