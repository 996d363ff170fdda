package identity

import (
	"context"
	"net/http"
	"time"
)

// askEvery is after how long, and how often from then on, a request that goes on asks
// whether its caller is still let in.
const askEvery = time.Second

// Guard watches over a request until stop is called. Once stillIn reports that its caller is
// not let in any more, the request's context ends and its connection is cut, so that
// nothing more of it is read, done or shown: within about a second of the revocation, on
// every node. The handler serves the request that Guard returns, and calls stop at its end.
func Guard(w http.ResponseWriter, r *http.Request, stillIn func(ctx context.Context) bool) (guarded *http.Request, stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	ended := make(chan struct{})
	watch := time.AfterFunc(askEvery, func() {
		defer close(ended)
		tick := time.NewTicker(askEvery)
		defer tick.Stop()
		for stillIn(ctx) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		connection, now := http.NewResponseController(w), time.Now()
		_ = connection.SetReadDeadline(now) // where there is none to cut, the context does
		_ = connection.SetWriteDeadline(now)
		cancel()
	})
	return r.WithContext(ctx), func() {
		cancel()
		if !watch.Stop() {
			<-ended
		}
	}
}
