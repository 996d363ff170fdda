// Package dashboard serves the pages: for operators, for users of one tenant, and the
// portal for a tenant's customers.
package dashboard

import (
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/pealhq/peal/internal/identity"
)

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Options are what the pages work with.
type Options struct {
	Identity *identity.Identity
	// Log gets what is the server's fault; nil discards it.
	Log *slog.Logger
}

// Dashboard serves the pages. Make one with [New].
type Dashboard struct {
	identity  *identity.Identity
	log       *slog.Logger
	mux       *http.ServeMux
	templates *template.Template
}

// New makes the pages.
func New(options Options) (*Dashboard, error) {
	if options.Identity == nil {
		return nil, errors.New("dashboard: Identity is needed")
	}
	d := &Dashboard{identity: options.Identity, log: options.Log, mux: http.NewServeMux()}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if d.templates, err = template.ParseFS(templateFiles, "templates/*.html"); err != nil {
		return nil, err
	}
	d.mux.Handle("GET /static/", d.static())
	d.mux.HandleFunc("/", d.notFound)
	d.signInRoutes()
	return d, nil
}
