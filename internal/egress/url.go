package egress

import (
	"net/url"
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

func (c *urlCache) parse(text string) (*target, error) {
	c.mu.RLock()
	t := c.urls[text]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
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
