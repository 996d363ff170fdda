package egress

import (
	"container/list"
	"sync"
	"time"
)

// doubtAfter is how long a connection may be idle and be used again unseen. One that
// was idle for longer is looked at first: the endpoint may have closed it.
const doubtAfter = 100 * time.Millisecond

// pool keeps idle connections: the one used last is used first, the one that was
// idle longest goes first.
type pool struct {
	perHost, total int
	timeout        time.Duration

	mu    sync.Mutex
	hosts map[string][]*link // longest idle first
	all   list.List          // of *link, longest idle first
	sweep *time.Timer
}

// idleState is the pool's own part of a link.
type idleState struct {
	since   time.Time
	element *list.Element
}

func newPool(options Options) *pool {
	return &pool{
		perHost: options.MaxIdlePerHost, total: options.MaxIdle, timeout: options.IdleTimeout,
		hosts: make(map[string][]*link),
	}
}

// take gives an idle connection to an address that is there, as far as one can see
// from here; nil when there is none.
func (p *pool) take(address string) *link {
	for {
		l := p.pop(address)
		if l == nil || time.Since(l.idle.since) < doubtAfter || isOpen(l.conn) {
			return l
		}
		l.conn.Close()
	}
}

func (p *pool) pop(address string) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := p.hosts[address]
	if len(links) == 0 {
		return nil
	}
	l := links[len(links)-1]
	links[len(links)-1] = nil
	p.hosts[address] = links[:len(links)-1]
	p.all.Remove(l.idle.element)
	return l
}

// put keeps a connection for later, or closes it when there are enough.
func (p *pool) put(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := p.hosts[l.address]
	if len(links) >= p.perHost {
		l.conn.Close()
		return
	}
	l.idle = idleState{since: time.Now(), element: p.all.PushBack(l)}
	p.hosts[l.address] = append(links, l)
	if p.all.Len() > p.total {
		p.drop()
	}
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.timeout, p.expire)
	}
}

// drop closes the connection that was idle longest.
func (p *pool) drop() {
	l := p.all.Remove(p.all.Front()).(*link)
	links := p.hosts[l.address] // l is its first
	copy(links, links[1:])
	links[len(links)-1] = nil
	if links = links[:len(links)-1]; len(links) == 0 {
		delete(p.hosts, l.address)
	} else {
		p.hosts[l.address] = links
	}
	l.conn.Close()
}

// expire closes what was idle for too long, and comes again when the next one will
// have been.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep = nil
	for p.all.Len() > 0 {
		left := p.timeout - time.Since(p.all.Front().Value.(*link).idle.since)
		if left > 0 {
			p.sweep = time.AfterFunc(left, p.expire)
			return
		}
		p.drop()
	}
	clear(p.hosts) // those that have no connection any more
}

// close closes all idle connections.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.all.Len() > 0 {
		p.drop()
	}
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
}
