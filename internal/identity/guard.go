package identity

import (
	"context"
	"net/http"
	"time"
)

// askEvery is the interval at which a running request checks whether its caller is still
// authorized.
const askEvery = time.Second

// Guard watches a request until stop is called. When stillIn reports that the caller is no longer
// authorized, Guard cancels the context and cuts the connection, so that nothing more is read, done
// or shown: within about a second of the revocation, on every node. The handler must serve the
// returned request and call stop at its end.
func Guard(w http.ResponseWriter, r *http.Request,
	stillIn func(ctx context.Context) bool) (guarded *http.Request, stop func()) {
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
		_ = connection.SetReadDeadline(now) // without a connection, cancelling the context suffices
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
