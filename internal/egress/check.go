package egress

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// CheckURL returns an error for a URL that no attempt could reach: a scheme, port, name or IP
// address that is not allowed. It does not resolve names; their addresses are checked when they are
// dialled, and [Client.Warn] checks them in advance. The error has code [peal.Invalid] and the
// field "url".
func (c *Client) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return peal.Fault("url", message.URLInvalid)
	}
	return c.rules.Load().guard.checkURL(u)
}

// Warning explains why a URL cannot be reached, without a final period. The zero value means that
// no problem was found.
type Warning struct {
	// Public is the text for everybody who may see the webhook. It contains no resolved address.
	Public message.Text
	// Operator is the text for operators, who can allow the address in it.
	Operator message.Text
}

// For returns the text for an operator or for others.
func (w Warning) For(operator bool) message.Text {
	if operator {
		return w.Operator
	}
	return w.Public
}

func sameText(why message.Text) Warning { return Warning{why, why} }

// Warn explains why an attempt made now would fail before sending anything. It takes at most two
// seconds and sends only DNS queries. Its result is advice: each attempt is checked separately.
func (c *Client) Warn(ctx context.Context, text string) Warning {
	u, err := url.Parse(text)
	if err != nil {
		return Warning{} // no webhook has an invalid URL
	}
	// The rules may have changed since the URL was saved.
	if fault := new(peal.Error); errors.As(c.CheckURL(text), &fault) {
		if text := fault.Text(); text.Message == message.AddressBlocked {
			return sameText(text.Values[0].(message.Text))
		}
		return sameText(message.ItFails.With(fault.Text()))
	}
	r := c.rules.Load()
	via := r.via(newTarget(u))
	port, _ := portOf(u)
	host := canonicalHost(u.Hostname())
	addrs, err := lookUp(ctx, c.resolver, host)
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil, via != nil && err != nil: // the proxy may resolve more names
		return Warning{}
	case errors.As(err, &dns):
		return sameText(dnsText(dns))
	case err != nil:
		return Warning{}
	}
	var first error
	for _, addr := range addrs {
		err := r.guard.check(host, addr, port)
		if err == nil && via == nil {
			return Warning{} // this address is dialled
		}
		first = cmp.Or(first, err)
	}
	var refused refusal
	if errors.As(first, &refused) {
		return Warning{Public: refused.public(u.Host), Operator: refused.text(u.Host)}
	}
	return Warning{}
}

// Consent is the response of a URL to a request for its consent: the status and the headers.
type Consent struct {
	Status int
	header http.Header
	gate   *gate.Gate
}

// Values returns the values of a header for comparison.
func (c Consent) Values(name string) (values []gate.Foreign) {
	for _, value := range c.header.Values(name) {
		values = append(values, gate.NewForeign(value))
	}
	return values
}

// Show returns the values of a header for display.
func (c Consent) Show(name string) gate.Text {
	return c.gate.Text(strings.Join(c.header.Values(name), ", "))
}

// Ask sends OPTIONS to a URL, guarded like every other request, within the timeout. The error has
// code [peal.Unavailable] and explains why no response arrived.
func (c *Client) Ask(ctx context.Context, url string, header http.Header, timeout time.Duration) (Consent, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	watch := newWatch()
	request := &wire.Request{URL: url, Header: header}
	g := gateFor(c.gate, request, RequestHead(request))
	response, err := c.send(ctx, watch, http.MethodOptions, request)
	if err != nil {
		_, why := classify(ctx, err, watch, url, g)
		return Consent{}, &peal.Error{Code: peal.Unavailable, Message: why.String()}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		// An incomplete body does not matter: the head has arrived.
		_, _ = io.CopyN(io.Discard, response.Body, drainLimit)
	}
	return Consent{Status: response.StatusCode, header: response.Header, gate: g}, nil
}
