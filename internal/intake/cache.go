package intake

import (
	"sync"
	"time"

	"github.com/pealhq/peal"
)

const (
	// sourceLife is how long a source is used without asking the store again: how
	// late a change on another node is noticed.
	sourceLife = time.Second
	// maxSources bounds the cache's memory; a fuller one is emptied.
	maxSources = 1000
)

// place is how a URL names a source: by its name in a tenant, or by its id alone.
type place struct{ tenant, name string }

// cache remembers the sources that were lately used, so that a request costs no
// read of the store.
type cache struct {
	mu      sync.RWMutex
	sources map[place]held
	forgets uint64 // counts forgetting, so that a read that began before it is not kept
}

type held struct {
	source peal.Source
	until  time.Time
}

// get gives what is remembered, or reads and remembers it.
func (c *cache) get(at place, read func() (peal.Source, error)) (peal.Source, error) {
	c.mu.RLock()
	found, ok := c.sources[at]
	forgets := c.forgets
	c.mu.RUnlock()
	if ok && time.Now().Before(found.until) {
		return found.source, nil
	}
	source, err := read()
	if err != nil {
		return peal.Source{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgets != forgets {
		return source, nil
	}
	if c.sources == nil || len(c.sources) >= maxSources {
		c.sources = make(map[place]held)
	}
	c.sources[at] = held{source, time.Now().Add(sourceLife)}
	return source, nil
}

func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	clear(c.sources)
}
