package egress

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/wire"
)

// Consent is the answer of a URL to a request for its consent: the status and the headers.
type Consent struct {
	Status int
	header http.Header
	gate   *gate.Gate
}

// Values returns the values of a header, to compare.
func (c Consent) Values(name string) (values []gate.Foreign) {
	for _, value := range c.header.Values(name) {
		values = append(values, gate.NewForeign(value))
	}
	return values
}

// Show returns the values of a header, to show.
func (c Consent) Show(name string) gate.Text {
	return c.gate.Text(strings.Join(c.header.Values(name), ", "))
}

// Ask sends OPTIONS to a URL, under the same guard as everything else. timeout
// bounds it. The error has code [peal.Unavailable] and explains in plain words why there
// is no answer.
func (c *Client) Ask(ctx context.Context, url string, header http.Header, timeout time.Duration) (Consent, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	watch := newWatch()
	request := &wire.Request{URL: url, Header: header}
	g := c.gateFor(request, RequestHead(request))
	response, err := c.send(ctx, watch, http.MethodOptions, request)
	if err != nil {
		_, why := classify(ctx, err, watch, url, g)
		return Consent{}, &peal.Error{Code: peal.Unavailable, Message: why.String()}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		// What is left of an answer that breaks off changes nothing: the head has come.
		_, _ = io.CopyN(io.Discard, response.Body, drainLimit)
	}
	return Consent{Status: response.StatusCode, header: response.Header, gate: g}, nil
}
