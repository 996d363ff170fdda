package dashboard

import (
	"errors"
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// fail shows an error in the page's frame, or as a part of a page.
func (c *call) fail(err error) {
	if c.ctx().Err() != nil {
		return
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		err = peal.Errorf(peal.TooLarge, "%s", c.texts.get("error.form_large"))
	}
	status, message := c.d.explain(c.w, c.r, err)
	f := failure{Status: status, Message: message, RequestID: front.RequestID(c.r), Title: c.texts.get("error.title." + string(peal.CodeOf(err)))}
	shown := error(nil)
	if c.isPart() {
		shown = c.part("failure", f)
	} else {
		shown = c.answer(status, "failure", f.Title, f)
	}
	if shown != nil {
		c.d.fail(c.w, c.r, shown)
	}
}

// messageOf is what an error says to whoever caused it.
func messageOf(err error) string {
	var known *peal.Error
	if !errors.As(err, &known) {
		return err.Error()
	}
	if known.Field != "" {
		return known.Field + " " + known.Message
	}
	return known.Message
}
