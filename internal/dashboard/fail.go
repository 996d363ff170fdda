package dashboard

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// failure is a page that tells of an error.
type failure struct {
	Status    int
	Title     string
	Message   string
	RequestID string
}

// fail answers with a page that tells of an error.
func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := d.explain(w, r, err)
	d.page(w, r, status, "failure.html", failure{Status: status, Title: http.StatusText(status), Message: message, RequestID: front.RequestID(r)})
}

// notFound answers where there is no page.
func (d *Dashboard) notFound(w http.ResponseWriter, r *http.Request) {
	d.fail(w, r, peal.Errorf(peal.NotFound, "there is no such page"))
}

// explain gives the status of an error and what to tell of it, and logs what is the
// server's fault.
func (d *Dashboard) explain(w http.ResponseWriter, r *http.Request, err error) (int, string) {
	var e *peal.Error
	status := http.StatusInternalServerError
	if errors.As(err, &e) && statuses[e.Code] != 0 {
		status = statuses[e.Code]
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
		}
	}
	if status >= 500 {
		d.log.Error("a page failed", "request_id", front.RequestID(r), "method", r.Method, "path", front.LoggedPath(r), "error", err)
	}
	if status == http.StatusInternalServerError {
		return status, "This is a defect of the server. Its log has the cause, under the request id."
	}
	message := e.Message
	if e.Field != "" {
		message = "The " + e.Field + " " + message
	}
	return status, message
}
