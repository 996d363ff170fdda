package api

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// receive accepts a webhook from another system.
func (a *API) receive(c *call) error {
	source, err := a.inbound(c)
	if err != nil {
		return err
	}
	c.openSourceAccount(&source)
	body, err := c.rawBody(int64(a.MaxData) + envelope)
	if err != nil {
		a.Intake.Refuse(&source, err)
		return err
	}
	if source, err = a.inbound(c); err != nil { // it may have been deleted while the body arrived
		return err
	}
	published, err := a.Intake.Receive(c.context(), &source, c.request.Header, body)
	if err != nil {
		return c.notTaken(err, body)
	}
	status := http.StatusAccepted
	if published.Duplicate {
		status = http.StatusOK
	}
	return c.json(status, receiptShape{published.Event.ID, published.Event.Type, published.Duplicate})
}

// notTaken returns the refusal of a sender's request that did not become an event.
func (c *call) notTaken(err error, body []byte) error {
	var unverified *wire.VerifyError
	if errors.As(err, &unverified) {
		c.Header().Set("WWW-Authenticate", `Webhook realm="peal"`)
		return &refusal{kind: unauthorized, detail: "the request is not verified: " + unverified.Message, cause: err}
	}
	var e *peal.Error
	if !errors.As(err, &e) || e.Field == "" {
		return err
	}
	return unparsed(&refusal{
		kind: translate(err).kind, detail: e.Field + " " + e.Message, faults: faults{{Location: inRequest(e.Field),
			Message: e.Message}}, cause: err,
	}, body)
}

// inRequest returns the location of a field in a sender's request: in the headers if the name has a
// hyphen, otherwise in the body.
func inRequest(field string) string {
	switch {
	case field == "body":
		return field
	case strings.Contains(field, "-"):
		return "header." + field
	}
	return "body." + strings.TrimPrefix(field, "events[0].")
}

// consent answers whether a source accepts CloudEvents from the sender.
func (a *API) consent(c *call) error {
	source, err := a.inbound(c)
	if err != nil {
		return err
	}
	c.Header().Set("Allow", http.MethodPost)
	if format, ok := wire.Lookup(source.Format); !ok || !format.Handshake || source.Status != peal.Active {
		return refuse(methodNotAllowed, "the source does not support OPTIONS; use POST")
	}
	origins := c.request.Header.Values("WebHook-Request-Origin")
	if len(origins) != 1 || origins[0] == "" || len(origins[0]) > 253 || strings.ContainsFunc(origins[0], unfit) {
		return faults{{Location: "header.WebHook-Request-Origin", Message: "must be the sender's DNS name, once"}}
	}
	c.Header()["WebHook-Allowed-Origin"] = origins
	c.Header()["WebHook-Allowed-Rate"] = []string{"*"}
	c.WriteHeader(http.StatusOK)
	return nil
}

func unfit(r rune) bool { return r <= 0x20 || r > unicode.MaxASCII || r == 0x7f }
