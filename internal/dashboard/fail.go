package dashboard

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/message"
)

// failure describes an error on a page.
type failure struct {
	Status    int
	Title     string
	Message   string
	RequestID string
}

// fail answers with a page about an error.
func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := d.explain(w, r, d.pages.language(r, languageOfPortal(r)), err)
	d.plain(w, r, status, "refusal", titleOf(err), failure{Status: status, Message: message, RequestID: front.RequestID(r)})
}

// notFound answers where there is no page.
func (d *Dashboard) notFound(w http.ResponseWriter, r *http.Request) {
	d.fail(w, r, peal.Fail(peal.NotFound, message.NoPage))
}

// titleOf returns the key of the title of an error's page.
func titleOf(err error) string { return "error.title." + string(peal.CodeOf(err)) }

// explain returns the status and the message of an error in a language. It logs faults of the
// server.
func (d *Dashboard) explain(w http.ResponseWriter, r *http.Request, t *texts, err error) (int, string) {
	var e *peal.Error
	status := http.StatusInternalServerError
	if errors.As(err, &e) && statuses[e.Code] != 0 {
		status = statuses[e.Code]
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		status = http.StatusRequestTimeout
	}
	if status >= 500 && !errors.Is(err, bodies.ErrFull) {
		d.log.Error("a page failed", "request_id", front.RequestID(r), "method", r.Method, "path", front.LoggedPath(r), "error", err)
	}
	if status == http.StatusInternalServerError {
		return status, t.get("error.defect")
	}
	if e.Field != "" {
		return status, t.get("error.field", "field", e.Field, "message", t.fault(e))
	}
	return status, t.fault(e)
}
