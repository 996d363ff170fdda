package egress

import (
	"container/list"
	"math/rand/v2"
	"sync"
	"time"
)

// pool keeps connections between requests. It reuses the most recently used connection first and
// evicts the one with the longest idle time first.
type pool struct {
	perHost, total  int
	timeout, maxAge time.Duration

	mu         sync.Mutex
	distrusted map[place]time.Time // no HTTP/1.1 connection is kept before this time
	generation uint64              // of the current rules
	places     map[place][]*link   // idle connections, longest idle first, and all of HTTP/2
	idle       list.List           // of *link, longest idle first
	sweep      *time.Timer
}

func newPool(options Options) *pool {
	return &pool{
		perHost: options.MaxIdlePerHost, total: options.MaxIdle,
		timeout: options.IdleTimeout, maxAge: options.MaxConnectionAge,
		places: make(map[place][]*link),
	}
}

// admit prepares a new connection for the pool. Its maximum age is random, so that connections made
// together do not end together. generation is that of the rules under which it was made.
func (p *pool) admit(l *link, at place, generation uint64) {
	least := p.maxAge * 2 / 3
	l.place, l.generation = at, generation
	l.until = time.Now().Add(least + rand.N(p.maxAge-least+1))
}

// take returns a connection to a place that can carry a request now, or nil. The caller returns it
// with put or, over HTTP/2, with release.
func (p *pool) take(at place) *link {
	for {
		l, dead := p.pop(at)
		closeAll(dead)
		if l == nil || l.shared != nil {
			return l
		}
		quiet, unasked := l.isQuiet()
		if quiet {
			return l
		}
		if unasked {
			p.distrust(at)
		}
		l.close()
	}
}

func (p *pool) pop(at place) (found *link, dead []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for i := len(p.places[at]) - 1; i >= 0; i-- {
		l := p.places[at][i]
		if p.isOver(l, now) || l.shared != nil && l.shared.Err() != nil {
			p.remove(l)
			if l.busy == 0 {
				dead = append(dead, l)
			}
			continue
		}
		if l.shared == nil {
			p.remove(l)
			return l, dead
		}
		if l.shared.Reserve() == nil {
			p.occupy(l)
			return l, dead
		}
	}
	return nil, dead
}

// isOver reports whether a connection must not carry another request.
func (p *pool) isOver(l *link, now time.Time) bool {
	return l.retired || l.generation != p.generation || !now.Before(l.until)
}

// occupy counts a request on an HTTP/2 connection.
func (p *pool) occupy(l *link) {
	l.busy++
	if l.element != nil {
		p.idle.Remove(l.element)
		l.element = nil
	}
}

// remove removes a connection from the pool. A busy one closes after its last request.
func (p *pool) remove(l *link) {
	l.retired = l.shared != nil
	if l.element != nil {
		p.idle.Remove(l.element)
		l.element = nil
	}
	links := p.places[l.place]
	for i, other := range links {
		if other != l {
			continue
		}
		copy(links[i:], links[i+1:])
		links[len(links)-1] = nil
		p.places[l.place] = links[:len(links)-1]
		return
	}
}

// put keeps an HTTP/1.1 connection for reuse, or closes it if the pool is full.
func (p *pool) put(l *link) {
	p.mu.Lock()
	if len(p.places[l.place]) >= p.perHost || p.isDistrusted(l.place) || p.isOver(l, time.Now()) {
		p.mu.Unlock()
		l.close()
		return
	}
	p.places[l.place] = append(p.places[l.place], l)
	dead := p.park(l)
	p.mu.Unlock()
	closeAll(dead)
}

// share adds a new HTTP/2 connection with its first request. If another connection to the same
// place was made meanwhile and can carry the request, share returns that one instead.
func (p *pool) share(l *link) *link {
	if other := p.take(l.place); other != nil && other.shared != nil {
		l.close()
		return other
	} else if other != nil {
		p.put(other)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = l.shared.Reserve() // a new connection has room; if it broke meanwhile, the request fails
	l.busy = 1
	if p.isOver(l, time.Now()) {
		l.retired = true
		return l
	}
	p.places[l.place] = append(p.places[l.place], l)
	return l
}

// release ends a request on an HTTP/2 connection.
func (p *pool) release(l *link) {
	p.mu.Lock()
	l.busy--
	l.used = true
	var dead []*link
	if l.busy == 0 {
		if p.isOver(l, time.Now()) || l.shared.Err() != nil {
			p.remove(l)
			dead = []*link{l}
		} else {
			dead = p.park(l)
		}
	}
	p.mu.Unlock()
	closeAll(dead)
}

// Unsolicited data of an endpoint could be taken for the response to the next request. Connections
// to an endpoint that sent such data are not kept for distrustTime. maxDistrusted bounds the number
// of remembered endpoints.
const (
	distrustTime  = 10 * time.Minute
	maxDistrusted = 4096
)

func (p *pool) distrust(at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.distrusted == nil || len(p.distrusted) >= maxDistrusted {
		p.distrusted = make(map[place]time.Time)
	}
	p.distrusted[at] = time.Now().Add(distrustTime)
}

func (p *pool) isDistrusted(at place) bool {
	until, ok := p.distrusted[at]
	if ok && !time.Now().Before(until) {
		delete(p.distrusted, at)
		return false
	}
	return ok
}

// isUsed reports whether an HTTP/2 connection has carried a request.
func (p *pool) isUsed(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.used
}

// park lists a connection as idle and returns the ones evicted for it.
func (p *pool) park(l *link) (dead []*link) {
	l.since, l.element = time.Now(), p.idle.PushBack(l)
	if p.idle.Len() > p.total {
		dead = append(dead, p.evictOldest())
	}
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.timeout, p.expire)
	}
	return dead
}

// evictOldest removes the connection with the longest idle time.
func (p *pool) evictOldest() *link {
	l := p.idle.Front().Value.(*link)
	p.remove(l)
	return l
}

// expire closes connections that reached the idle timeout, and schedules itself for the next one.
func (p *pool) expire() {
	p.mu.Lock()
	var dead []*link
	p.sweep = nil
	for p.idle.Len() > 0 {
		if left := p.timeout - time.Since(p.idle.Front().Value.(*link).since); left > 0 {
			p.sweep = time.AfterFunc(left, p.expire)
			break
		}
		dead = append(dead, p.evictOldest())
	}
	for at, links := range p.places {
		if len(links) == 0 {
			delete(p.places, at)
		}
	}
	p.mu.Unlock()
	closeAll(dead)
}

// closeIdle closes the idle connections to the selected places. Busy HTTP/2 connections accept no
// more requests.
func (p *pool) closeIdle(of func(place) bool) {
	p.mu.Lock()
	var dead []*link
	for at, links := range p.places {
		if !of(at) {
			continue
		}
		for _, l := range append([]*link(nil), links...) {
			p.remove(l)
			if l.busy == 0 {
				dead = append(dead, l)
			}
		}
		delete(p.places, at)
	}
	if p.idle.Len() == 0 && p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
	p.mu.Unlock()
	closeAll(dead)
}

// retire closes all idle connections, and busy ones after their last request: the rules under which
// they were made are no longer in force.
func (p *pool) retire(generation uint64) {
	p.mu.Lock()
	p.generation = generation
	p.mu.Unlock()
	p.closeIdle(func(place) bool { return true })
}

func closeAll(links []*link) {
	for _, l := range links {
		l.close()
	}
}
