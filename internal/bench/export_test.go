package bench

import (
	"net/http"
	"time"
)

// Wrap puts a handler before the sink.
func (o *Options) Wrap(wrap func(http.Handler) http.Handler) { o.wrap = wrap }

// StuckAfter sets how long nothing arrives before what is due counts as missing.
func (o *Options) StuckAfter(d time.Duration) { o.stuckAfter = d }

// Clients sets how many publish at once.
func (o *Options) Clients(n int) { o.clients = n }
