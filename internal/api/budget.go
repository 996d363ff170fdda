package api

import (
	"sync/atomic"
	"time"
)

// defaultMaxBodies is Options.MaxBodies when it is 0.
const defaultMaxBodies = 64 << 20

// budget is the memory that the bodies of requests may take which are under way.
type budget struct {
	most int64 // bytes
	used atomic.Int64
}

// take takes bytes out of the budget and reports whether there were enough. One body
// alone always has enough.
func (b *budget) take(bytes int64) bool {
	if used := b.used.Add(bytes); used > b.most && used != bytes {
		b.used.Add(-bytes)
		return false
	}
	return true
}

func (b *budget) give(bytes int64) { b.used.Add(-bytes) }

// reserve takes memory for the request's body until the request has been answered.
func (c *call) reserve(bytes int64) error {
	if !c.api.bodies.take(bytes) {
		r := refuse(unavailable, "too many large requests are under way; send this one again in a moment")
		r.retryAfter = time.Second
		return r
	}
	c.reserved += bytes
	return nil
}
