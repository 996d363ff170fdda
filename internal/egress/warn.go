package egress

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/pealhq/peal"
)

// Warn looks ahead at a URL: it gives why an attempt made now would fail before anything
// is sent, "" when nothing shows. It takes two
// seconds at most, sends nothing but questions to name servers, and decides nothing:
// each attempt is judged by itself.
func (c *Client) Warn(ctx context.Context, text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "" // no webhook has such a one
	}
	// The rules may have changed since the URL was saved.
	if fault := new(peal.Error); errors.As(c.CheckURL(text), &fault) {
		if why, found := strings.CutPrefix(fault.Message, "cannot be reached: "); found {
			return why
		}
		return "it " + fault.Message
	}
	port, _ := portOf(u)
	host := canonicalHost(u.Hostname())
	addrs, err := c.lookAhead(ctx, host)
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil, c.proxy != nil && err != nil: // the proxy may know more
		return ""
	case errors.As(err, &dns):
		return unresolved(dns)
	case err != nil:
		return ""
	}
	var first error
	for _, addr := range addrs {
		err := c.guard.check(host, addr, port)
		if err == nil && c.proxy == nil {
			return "" // that one is dialled
		}
		first = firstOf(first, err)
	}
	var refused refusal
	if errors.As(first, &refused) {
		return refused.text(u.Host)
	}
	return ""
}

// Reason and words of what [Client.Token] failed with.
func tokenFailure(reason peal.Reason, words string) (peal.Reason, string) {
	if reason == peal.ReasonBlocked || reason == peal.ReasonCanceled {
		return reason, "no token: " + words
	}
	return peal.ReasonToken, "no token: " + words
}
