package front

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
)

// LoggedPath is a request's path for logs: the token of a link that lets somebody in,
// which its route calls {token}, is hidden.
func LoggedPath(r *http.Request) string {
	if token := r.PathValue("token"); token != "" {
		return strings.ReplaceAll(r.URL.Path, token, "[redacted]")
	}
	for _, before := range []string{"/first-run/", "/portal/enter/"} { // also where no route fits
		if strings.HasPrefix(r.URL.Path, before) {
			return before + "[redacted]"
		}
	}
	return r.URL.Path
}

// LoggedPanic is what a log may say of a panic. Words of Go's own runtime hold no
// secrets; of anything else, which may be made of what the handler had in its hands,
// only the type shows. The stack tells where.
func LoggedPanic(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", cause)
}
