package match

import (
	"sync"
	"sync/atomic"
)

// MaxCompiled is the maximum estimated memory of the compiled programs of all webhooks, in bytes.
// An evicted program is compiled again when it is used.
const MaxCompiled = 64 << 20

// The estimated memory of the parts of a compiled program, in bytes.
const (
	bytesOfProgram  = 3 << 10
	bytesOfQuery    = 600  // a query or a suffix of a transform
	bytesOfFunction = 1500 // a function of the prelude
	bytesOfNode     = 200  // a node of a filter
)

// compileWork is the price of compiling a byte of a program, in units. The request that needs the
// program pays.
const compileWork = 64

// cached holds one program of a route, compiled on first use and evicted when space is needed.
// There may be hundreds of thousands, most of them unused, so a starting server compiles none.
type cached[T any] struct {
	current atomic.Pointer[compiled[T]]
	used    atomic.Bool // since the last pass of the cache
}

// compiled is a program or the error of compiling it.
type compiled[T any] struct {
	program T
	err     error
}

// get returns the program, or nil if it is not compiled.
func (k *cached[T]) get() *compiled[T] {
	c := k.current.Load()
	if c != nil && !k.used.Load() {
		k.used.Store(true)
	}
	return c
}

// compileOnce returns the program, and compiles it unless another goroutine did meanwhile. compile
// also returns the size of the program in memory, in bytes.
func (k *cached[T]) compileOnce(purse *Purse, text string, compile func(text string) (T, int, error)) *compiled[T] {
	compiling.Lock()
	defer compiling.Unlock()
	if c := k.current.Load(); c != nil {
		return c
	}
	purse.spend(compileWork * len(text))
	program, bytes, err := compile(text)
	c := &compiled[T]{program: program, err: err}
	k.current.Store(c)
	k.used.Store(true)
	compiledCache.add(k, bytes)
	return c
}

func (k *cached[T]) drop()        { k.current.Store(nil) }
func (k *cached[T]) recent() bool { return k.used.Swap(false) }

// compiling serializes compilation, so that its temporary memory does not add up.
var compiling sync.Mutex

// compiledCache are those of the process that are compiled.
var compiledCache = &cache{limit: MaxCompiled}

// cache bounds the memory of compiled programs and evicts those not used recently.
type cache struct {
	limit int

	mu    sync.Mutex
	bytes int
	ring  []cacheEntry
	hand  int
}

type cacheEntry struct {
	program interface {
		drop()
		recent() bool
	}
	bytes int
}

func (c *cache) add(program interface {
	drop()
	recent() bool
}, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring = append(c.ring, cacheEntry{program, bytes})
	c.bytes += bytes
	for c.bytes > c.limit && len(c.ring) > 1 {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		h := c.ring[c.hand]
		if h.program.recent() {
			c.hand++
			continue
		}
		h.program.drop()
		c.bytes -= h.bytes
		last := len(c.ring) - 1
		c.ring[c.hand] = c.ring[last]
		c.ring[last] = cacheEntry{}
		c.ring = c.ring[:last]
	}
}
