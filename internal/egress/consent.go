package egress

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// Consent is what a URL answers to a request for its consent: the status and the
// headers. Its body is of no concern.
type Consent struct {
	Status int
	Header http.Header
}

// Ask sends OPTIONS to a URL, under the same guard as everything else. timeout
// bounds it. The error has code [peal.Unavailable] and says in plain words why there
// is no answer.
func (c *Client) Ask(ctx context.Context, url string, header http.Header, timeout time.Duration) (Consent, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	watch := newWatch()
	response, err := c.send(ctx, watch, http.MethodOptions, &wire.Request{URL: url, Header: header})
	if err != nil {
		_, why := classify(ctx, err, watch, url)
		return Consent{}, &peal.Error{Code: peal.Unavailable, Message: why, Err: err}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		// What is left of an answer that breaks off changes nothing: the head has come.
		_, _ = io.CopyN(io.Discard, response.Body, drainLimit)
	}
	return Consent{Status: response.StatusCode, Header: response.Header}, nil
}
