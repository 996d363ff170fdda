package dashboard

import (
	"io/fs"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/processor"
)

// ServeHTTP answers a request for a page.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := front.NameRequest(w, r)
	front.ProtectPage(w.Header())
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
			d.log.Error("a page panicked", "request_id", id, "method", r.Method, "path", front.LoggedPath(r), "panic", front.LoggedPanic(cause), "stack", string(debug.Stack()))
			panic(http.ErrAbortHandler)
		} else if cause != nil {
			panic(cause)
		}
	}()
	if err := d.identity.CheckOrigin(r); err != nil {
		d.fail(w, r, err)
		return
	}
	d.mux.ServeHTTP(w, r)
}

// static serves style sheets, scripts and pictures.
func (d *Dashboard) static() http.Handler {
	files, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // impossible: the folder is embedded
	}
	serve := http.StripPrefix("/static/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			d.notFound(w, r) // not the list of files
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		serve.ServeHTTP(w, r)
	})
}

// plain answers with a page for unknown callers, without the menu.
func (d *Dashboard) plain(w http.ResponseWriter, r *http.Request, status int, name, titleKey string, data any) {
	turn := processor.Shared.Turn(processor.Address(d.identity.Network(r)))
	if err := turn.Enter(r.Context()); err != nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many requests wait. Send this one again in a moment.", http.StatusTooManyRequests)
		return
	}
	defer turn.Leave()
	c := &call{w: w, r: r, d: d, now: d.Now().UTC(), texts: d.pages.language(r, languageOfPortal(r)), turn: turn}
	c.zone, c.chosen = zoneOf(r)
	c.showPlain(status, name, &frame{Title: c.texts.get(titleKey), Language: c.texts.language, Brand: ownName, Theme: c.theme()}, data)
}

func (c *call) showPlain(status int, name string, f *frame, data any) {
	if err := c.render(status, name, "plain", page{f, data}); err != nil {
		c.d.log.Error("a page could not be made", "request_id", front.RequestID(c.r), "page", name, "error", err)
		http.Error(c.w, "The page could not be made. The server's log says why.", http.StatusInternalServerError)
	}
}

// statuses are the HTTP statuses of errors, by code.
var statuses = map[peal.ErrorCode]int{
	peal.Invalid: http.StatusUnprocessableEntity, peal.NotFound: http.StatusNotFound, peal.Conflict: http.StatusConflict,
	peal.Unauthorized: http.StatusUnauthorized, peal.Forbidden: http.StatusForbidden, peal.TooLarge: http.StatusRequestEntityTooLarge,
	peal.RateLimited: http.StatusTooManyRequests, peal.Unavailable: http.StatusServiceUnavailable,
}
