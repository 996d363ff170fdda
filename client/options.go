package client

import (
	"errors"
	"net/http"
	"time"
)

// Options configure a [Client]. Start from [DefaultOptions].
type Options struct {
	// Tenant is the tenant that an operator's key acts for; "" for the tenant "default", and with a
	// tenant's key.
	Tenant string
	// Timeout bounds one call, retries not counted; 0 leaves it to the context.
	Timeout time.Duration
	// Retries is the number of times that a call is repeated if no answer arrived or the server was
	// busy, 0 to 20. Only calls that are safe to repeat are: reading, replacing, deleting, and
	// publishing if every event has an ID.
	Retries int
	// UserAgent is the User-Agent header; "" for the client's own.
	UserAgent string
	// HTTPClient sends the requests; nil for one that keeps up to 64 idle connections and follows
	// no redirects, because a redirect would lose the body.
	HTTPClient *http.Client
}

// DefaultOptions returns options with a timeout of 30 seconds and no retries.
func DefaultOptions() Options { return Options{Timeout: 30 * time.Second} }

// Validate checks the ranges. The error names the option.
func (o Options) Validate() error {
	if o.Timeout < 0 {
		return errors.New("option Timeout must not be negative")
	}
	if o.Retries < 0 || o.Retries > 20 {
		return errors.New("option Retries must be from 0 to 20")
	}
	return nil
}

func newHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
