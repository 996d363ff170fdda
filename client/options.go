package client

import (
	"errors"
	"net/http"
	"time"
)

// Options says how a [Client] calls. Start from [DefaultOptions].
type Options struct {
	// Tenant is whom an operator's key acts for; "" for the tenant "default", and
	// for a tenant's key.
	Tenant string
	// Timeout bounds one call, retries not counted; 0 leaves it to the context.
	Timeout time.Duration
	// Retries is how often a call that is safe to repeat is made again when no
	// answer came or the server was busy: reading, replacing, deleting, and
	// publishing where every event has an ID. 0 to 20.
	Retries int
	// UserAgent names the program that calls; "" for the client's own name.
	UserAgent string
	// HTTPClient makes the requests; nil for one that keeps up to 64 idle
	// connections and follows no redirect, since a redirect would lose the body.
	HTTPClient *http.Client
}

// DefaultOptions gives each call 30 seconds and repeats none.
func DefaultOptions() Options { return Options{Timeout: 30 * time.Second} }

// Validate checks the ranges and names the option that is wrong.
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
