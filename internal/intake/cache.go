package intake

import (
	"sync"
	"time"

	"github.com/pealhq/peal"
)

const (
	// sourceLife is the time for which a source is cached: the delay of changes made on another
	// node.
	sourceLife = time.Second
	// maxSources is the maximum number of cached sources; a full cache is emptied.
	maxSources = 1000
)

// address identifies a source in a URL: by its name in a tenant, or by its ID alone.
type address struct{ tenant, name string }

// cache holds recently used sources, so that a request needs no read of the store.
type cache struct {
	mu         sync.RWMutex
	sources    map[address]cachedSource
	generation uint64 // number of clears, so that a read started before a clear is not cached
}

type cachedSource struct {
	source peal.Source
	until  time.Time
}

// get returns a cached source, or reads and caches it.
func (c *cache) get(at address, read func() (peal.Source, error)) (peal.Source, error) {
	c.mu.RLock()
	found, ok := c.sources[at]
	forgets := c.generation
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
	if c.generation != forgets {
		return source, nil
	}
	if c.sources == nil || len(c.sources) >= maxSources {
		c.sources = make(map[address]cachedSource)
	}
	c.sources[at] = cachedSource{source, time.Now().Add(sourceLife)}
	return source, nil
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.sources)
}
