package egress

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/pealhq/peal"
)

// Warning is why a URL cannot be reached, in words without an end; zero for nothing that shows.
type Warning struct {
	// Public is the text for everybody who may see the webhook. It names no address that a name resolves to.
	Public string
	// Operator is for operators, who can allow the address that it names.
	Operator string
}

// For returns the words for an operator or for others.
func (w Warning) For(operator bool) string {
	if operator {
		return w.Operator
	}
	return w.Public
}

func same(why string) Warning { return Warning{why, why} }

// Warn looks ahead at a URL: why an attempt made now would fail before anything is sent. It takes
// two seconds at most, sends nothing but questions to name servers, and decides nothing: each
// attempt is judged by itself.
func (c *Client) Warn(ctx context.Context, text string) Warning {
	u, err := url.Parse(text)
	if err != nil {
		return Warning{} // no webhook has such a one
	}
	// The rules may have changed since the URL was saved.
	if fault := new(peal.Error); errors.As(c.CheckURL(text), &fault) {
		if why, found := strings.CutPrefix(fault.Message, "cannot be reached: "); found {
			return same(why)
		}
		return same("it " + fault.Message)
	}
	r := c.rules.Load()
	via := r.via(newTarget(u))
	port, _ := portOf(u)
	host := canonicalHost(u.Hostname())
	addrs, err := lookAhead(ctx, c.resolver, host)
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil, via != nil && err != nil: // the proxy may know more
		return Warning{}
	case errors.As(err, &dns):
		return same(unresolved(dns))
	case err != nil:
		return Warning{}
	}
	var first error
	for _, addr := range addrs {
		err := r.guard.check(host, addr, port)
		if err == nil && via == nil {
			return Warning{} // that one is dialled
		}
		first = firstOf(first, err)
	}
	var refused refusal
	if errors.As(first, &refused) {
		return Warning{Public: refused.public(u.Host), Operator: refused.text(u.Host)}
	}
	return Warning{}
}
