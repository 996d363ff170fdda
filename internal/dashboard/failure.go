package dashboard

import (
	"errors"
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// fail shows an error in the page's frame, as a part of a page, or above the form that
// was sent, which keeps what was typed.
func (c *call) fail(err error) {
	if c.ctx().Err() != nil {
		return
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		err = peal.Errorf(peal.TooLarge, "%s", c.texts.get("error.form_large"))
	}
	status, message := c.d.explain(c.w, c.r, c.texts, err)
	f := failure{Status: status, Message: message, RequestID: front.RequestID(c.r), Title: c.texts.get(titleOf(err))}
	shown := error(nil)
	switch {
	case c.isForm():
		h := c.w.Header()
		h.Set("HX-Retarget", "#trouble")
		h.Set("HX-Reswap", "innerHTML")
		h.Set("HX-Reselect", ".notice")
		shown = c.partWith(status, "failure", f)
	case c.isPart():
		shown = c.part("failure", f)
	case status == http.StatusTooManyRequests: // a page that costs next to nothing
		c.turn.Leave()
		http.Error(c.w, message, status)
	default:
		shown = c.answer(status, "failure", f.Title, f)
	}
	if shown != nil {
		c.d.fail(c.w, c.r, shown)
	}
}

// messageOf returns the message of an error for the user who caused it.
func (t *texts) messageOf(err error) string {
	var known *peal.Error
	if !errors.As(err, &known) {
		return err.Error()
	}
	if known.Field != "" {
		return known.Field + " " + t.fault(known)
	}
	return t.fault(known)
}
