package egress

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/net/idna"

	"github.com/pealhq/peal/internal/gate"
)

// urlCache keeps parsed URLs, since a webhook's URL is used for each of its
// attempts. It forgets everything when it is full.
type urlCache struct {
	mu   sync.RWMutex
	urls map[string]*target
}

// target is a URL, parsed. Nobody may change it.
type target struct {
	*url.URL
	secure  bool   // https
	host    string // as a certificate names it
	address string // host:port to connect to; "" for a port that does not exist
	origin  string // scheme and address
	line    string // the beginning of a request, see lineOf
}

const maxCachedURLs = 10_000

// errSpace is about what the parser lets through in a query, and what would end
// there the first line of the request.
var errSpace = errors.New("spaces or control characters in the URL")

func (c *urlCache) parse(text string) (*target, error) {
	c.mu.RLock()
	t := c.urls[text]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, errSpace
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	t = newTarget(u)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.urls == nil || len(c.urls) >= maxCachedURLs {
		c.urls = make(map[string]*target)
	}
	c.urls[text] = t
	return t, nil
}

func newTarget(u *url.URL) *target {
	t := &target{URL: u, secure: u.Scheme == "https", host: asciiHost(u.Hostname()), line: lineOf(u)}
	if port, ok := portOf(u); ok {
		t.address = net.JoinHostPort(t.host, text(port))
		t.origin = u.Scheme + "://" + t.address
	}
	return t
}

// asciiHost returns a host as it is looked up. What IDNA does not know stays as it is; such a name
// does not resolve.
func asciiHost(host string) string {
	if gate.IsPrintable(host) {
		return host
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}
