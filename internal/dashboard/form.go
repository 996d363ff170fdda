package dashboard

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/message"
)

// The largest bodies of forms, in bytes.
const (
	maxForm  = 4 << 20  // an event of the largest data, escaped
	openForm = 16 << 10 // of an unknown caller
)

// open serves a form to unknown callers: its body must be small, and is charged to the address.
func (d *Dashboard) open(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		account := d.Bodies.Unknown(bodies.Holder{Kind: bodies.Address, Name: d.identity.Neighbourhood(r)})
		defer account.Close()
		if err := readForm(r, &account, openForm); err != nil {
			d.fail(w, r, err)
			return
		}
		next(w, r)
	}
}

// openAccount returns the account for the memory of the caller's form.
func (c *call) openAccount() bodies.Account {
	return c.d.Bodies.Known(c.who.Tenant, bodies.Holder{Kind: bodies.User, Name: cmp.Or(c.who.ID, c.who.SessionID.String())})
}

// readForm reads the body of a request: a form into r.PostForm, and a multipart form into memory,
// for [http.Request.ParseMultipartForm]. It does not read other bodies.
func readForm(r *http.Request, account *bodies.Account, limit int64) error {
	r.PostForm = url.Values{}
	r.Form = r.PostForm
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isForm := kind == "application/x-www-form-urlencoded"
	if r.Method != http.MethodPost || r.ContentLength == 0 || !isForm && kind != "multipart/form-data" {
		return nil
	}
	text, err := account.Read(r.Body, r.ContentLength, limit)
	var refused *peal.Error
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, bodies.ErrTooLarge):
		return peal.Fail(peal.TooLarge, message.FormTooLarge, limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return peal.Fail(peal.Invalid, message.FormLate).Because(err)
	case err != nil:
		return peal.Fail(peal.Invalid, message.FormUnreadable).Because(err)
	}
	// The decoded values need memory in addition to the text.
	if err := account.Take(2 * int64(len(text))); err != nil {
		return err
	}
	if !isForm {
		r.Form = url.Values{} // a separate map: the parts are added to both
		r.Body = io.NopCloser(bytes.NewReader(text))
		return nil
	}
	if r.PostForm, err = url.ParseQuery(string(text)); err != nil {
		return peal.Fail(peal.Invalid, message.FormUnreadable)
	}
	r.Form = r.PostForm
	return nil
}
