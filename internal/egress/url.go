package egress

import (
	"net/url"
	"sync"
)

// urlCache keeps parsed URLs, since a webhook's URL is used for each of its
// attempts. It forgets everything when it is full.
type urlCache struct {
	mu   sync.RWMutex
	urls map[string]*url.URL
}

const maxCachedURLs = 10_000

// parse gives the URL, which nobody may change.
func (c *urlCache) parse(text string) (*url.URL, error) {
	c.mu.RLock()
	u := c.urls[text]
	c.mu.RUnlock()
	if u != nil {
		return u, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.urls == nil || len(c.urls) >= maxCachedURLs {
		c.urls = make(map[string]*url.URL)
	}
	c.urls[text] = u
	return u, nil
}
