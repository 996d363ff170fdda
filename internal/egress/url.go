package egress

import (
	"errors"
	"net/url"
	"strings"
	"sync"
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
	plain *destination // nil where net/http's transport must be used
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
	t = &target{URL: u, plain: newDestination(u)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.urls == nil || len(c.urls) >= maxCachedURLs {
		c.urls = make(map[string]*target)
	}
	c.urls[text] = t
	return t, nil
}
