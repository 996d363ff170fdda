package match

import (
	"sync"
	"sync/atomic"
)

// MaxCompiled is how much memory the compiled programs of all webhooks may take
// together, in bytes, by estimate. A program that is not kept is compiled again when it
// is used.
const MaxCompiled = 64 << 20

// What a compiled program takes in memory, in bytes.
const (
	bytesOfProgram  = 3 << 10
	bytesOfQuery    = 600  // a query or a suffix of a transform
	bytesOfFunction = 1500 // a function of the prelude
	bytesOfNode     = 200  // a node of a filter
)

// compileWork is what compiling a byte of a program costs the request that has it
// compiled, in units.
const compileWork = 64

// kept holds one program of a route, once it is compiled and as long as there is room.
// Hundreds of thousands of them may exist, and most are never used: a server that
// starts compiles none.
type kept[T any] struct {
	current atomic.Pointer[compiled[T]]
	used    atomic.Bool // since the cache looked at it last
}

// compiled is a program, or why there is none.
type compiled[T any] struct {
	program T
	err     error
}

// get returns the program when it is compiled; nil when it is not.
func (k *kept[T]) get() *compiled[T] {
	c := k.current.Load()
	if c != nil && !k.used.Load() {
		k.used.Store(true)
	}
	return c
}

// make returns the program, which compile makes of a text. compile also returns what the
// program takes in memory.
func (k *kept[T]) make(purse *Purse, text string, compile func(text string) (T, int, error)) *compiled[T] {
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
	programs.add(k, bytes)
	return c
}

func (k *kept[T]) drop()        { k.current.Store(nil) }
func (k *kept[T]) recent() bool { return k.used.Swap(false) }

// compiling lets one program be compiled at a time: what that takes for a while does
// not add up.
var compiling sync.Mutex

// programs are those of the process that are compiled.
var programs = &cache{limit: MaxCompiled}

// cache keeps compiled programs within a bound and drops those that were not used lately.
type cache struct {
	limit int

	mu    sync.Mutex
	bytes int
	ring  []held
	hand  int
}

type held struct {
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
	c.ring = append(c.ring, held{program, bytes})
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
		c.ring[last] = held{}
		c.ring = c.ring[:last]
	}
}
