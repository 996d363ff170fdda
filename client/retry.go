package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
)

// worthRepeating reports whether the same call may succeed later: no answer arrived, or the server
// was busy.
func worthRepeating(err error) bool {
	switch StatusOf(err) {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case 0:
		var transport *url.Error
		return errors.As(err, &transport) && !errors.Is(err, context.Canceled)
	}
	return false
}

// pause returns the time to wait after a try (0 is the first): what the server asks for, or a
// random part (half to all) of a delay that doubles each time.
func pause(try int, err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, longestPause)
	}
	longest := min(firstPause<<try, longestPause)
	return longest/2 + rand.N(longest/2)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
