package server

import (
	"net/http"
	"strings"
)

// split routes the paths for programs to the API, and all others to the pages.
func split(api, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimLeft(r.URL.Path, "/"), "/")
		switch first {
		case "v1", "in", "docs", "healthz", "readyz", "version", "metrics":
			api.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}
