package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/wire"
)

const (
	// maxHeadBytes is the largest head of an answer that is read at all; a larger one
	// fails the attempt.
	maxHeadBytes = 64 << 10

	// An HTTP/2 connection that has been silent for pingAfter is asked for a sign of
	// life and given up when none comes within pingTimeout: all requests to its host
	// share it, and would otherwise wait for minutes.
	pingAfter   = 15 * time.Second
	pingTimeout = 5 * time.Second

	// streamBuffer is how much of an answer an HTTP/2 endpoint may send ahead.
	streamBuffer = 64 << 10
)

// Client sends requests. It is safe for concurrent use.
type Client struct {
	*core
	scope string      // of its connections, which only clients with the same one share
	tls   *tls.Config // of its secure connections, without the server's name
	gate  *gate.Gate  // hides the secrets of its webhook's settings
}

// core is what all clients of one set of options share.
type core struct {
	options  Options
	resolver *net.Resolver
	rules    atomic.Pointer[rules]
	pool     *pool
	http2    *http.Transport
	urls     urlCache

	reload    sync.Mutex
	effective Options // whose rules are in force
}

// New creates a client. The error has code [peal.Invalid].
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	var err error
	if options.RootCAs, err = authorities(options); err != nil {
		return nil, err
	}
	resolver := options.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	rules, err := newRules(options, resolver, 0)
	if err != nil {
		return nil, err
	}
	c := &core{options: options, effective: options, resolver: resolver, pool: newPool(options), http2: newHTTP2()}
	c.rules.Store(rules)
	return &Client{core: c, tls: &tls.Config{
		RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}}, nil
}

// Reload puts the rules of other options in force: what may be reached, and through which proxy.
// When they are others than before, all kept connections close, those under way with their last
// request. The other options stay as [New] was given them. The error has code [peal.Invalid], and nothing changes.
func (c *Client) Reload(options Options) error {
	c.reload.Lock()
	defer c.reload.Unlock()
	merged := options.rulesOnto(c.effective)
	if err := merged.Validate(); err != nil {
		return err
	}
	if reflect.DeepEqual(options.rulesOnto(Options{}), c.effective.rulesOnto(Options{})) {
		return nil
	}
	next, err := newRules(merged, c.resolver, c.rules.Load().generation+1)
	if err != nil {
		return err
	}
	c.effective = merged
	c.rules.Store(next)
	c.pool.renew(next.generation)
	return nil
}

// Close closes the idle connections of all clients that share them. Attempts under way go on.
func (c *Client) Close() { c.pool.closeIdle(func(place) bool { return true }) }

// CloseIdle closes the idle connections of clients on the same terms. Call it when a webhook's
// terms change.
func (c *Client) CloseIdle() { c.pool.closeIdle(func(at place) bool { return at.scope == c.scope }) }

// Shares reports whether both clients use the same connections.
func (c *Client) Shares(other *Client) bool { return c.scope == other.scope }

// Do sends one request and fills in the attempt: everything from StartedAt to the
// answer. timeout bounds it as a whole; ctx ends it early. The request is Do's until it
// returns: it may add to the header.
func (c *Client) Do(ctx context.Context, request *wire.Request, timeout time.Duration, attempt *peal.Attempt) Told {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	watch := newWatch()
	attempt.StartedAt = watch.start.UTC().Truncate(time.Microsecond)
	attempt.URL = peal.RedactURL(request.URL)
	attempt.BodySize = len(request.Body)
	attempt.RequestHead = RequestHead(request)

	response, err := c.send(ctx, watch, http.MethodPost, request)
	if err != nil {
		watch.fill(attempt)
		fail(attempt)(classify(ctx, err, watch, request.URL, c.gateFor(request, attempt.RequestHead)))
		return Told{}
	}
	defer response.Body.Close()
	g := c.gateFor(request, attempt.RequestHead)
	readErr := readAnswer(response, attempt, g)
	watch.fill(attempt)
	fail(attempt)(verdict(ctx, response, readErr, g))
	return Told{RetryAfter: retryAfter(response.Header), CertificateExpires: expiry(response)}
}

// fail records why an attempt has failed; nothing for a success.
func fail(attempt *peal.Attempt) func(peal.Reason, gate.Text) {
	return func(reason peal.Reason, why gate.Text) { attempt.Reason, attempt.Error = reason, why.String() }
}

// Told is what an endpoint says beside its answer.
type Told struct {
	// RetryAfter is the delay that it asked for, 0 for none.
	RetryAfter time.Duration
	// CertificateExpires is when the first certificate of its chain to expire does so, in
	// UTC; zero without a secure connection and an answer.
	CertificateExpires time.Time
}

func expiry(response *http.Response) time.Time {
	if response.TLS == nil || len(response.TLS.VerifiedChains) == 0 {
		return time.Time{}
	}
	var first time.Time
	for _, certificate := range response.TLS.VerifiedChains[0] {
		if first.IsZero() || certificate.NotAfter.Before(first) {
			first = certificate.NotAfter
		}
	}
	return first.UTC()
}

// unsendable is a request that cannot be made as it is.
type unsendable string

func (u unsendable) Error() string { return string(u) }

func (c *Client) send(ctx context.Context, watch *watch, method string, request *wire.Request) (*http.Response, error) {
	to, err := c.urls.parse(request.URL)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return nil, unsendable("the URL is none that a request can go to: write it as https://host/path")
	}
	if name := framing(request.Header); name != "" {
		return nil, unsendable("the header " + plain(name) + " may not be set: it belongs to the connection")
	}
	if err := checkFields(request.Header); err != nil {
		return nil, err
	}
	if to.address == "" {
		return nil, unsendable("the URL has a port outside 1 to 65535")
	}
	r := c.rules.Load()
	if !to.secure && !r.guard.allowHTTP && !r.guard.isInside(to.URL) {
		return nil, refusal{why: plainHTTP}
	}
	if via := r.via(to); via != nil {
		if err := r.ahead(ctx, via, to.URL, c.resolver); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	response, err := c.on(ctx, watch, method, to, request, c.pool.take(place{c.scope, to.origin}))
	if err != nil && watch.stale(err) && ctx.Err() == nil {
		// The endpoint had closed a kept connection, as it may at any time: that is no
		// failure of its own. One more connection decides, and only one: if it read the
		// request and broke down over it, it must not be fed it again and again.
		watch.again()
		response, err = c.on(ctx, watch, method, to, request, nil)
	}
	if err != nil || to.secure {
		return response, err
	}
	if err := r.via(to).ownAnswer(response); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}

// on sends a request on a kept connection, or on a new one for nil.
func (c *Client) on(ctx context.Context, watch *watch, method string, to *target, request *wire.Request, l *link) (*http.Response, error) {
	if l == nil {
		var err error
		if l, err = c.connect(context.WithValue(ctx, watchKey{}, watch), watch, to); err != nil {
			return nil, err
		}
	}
	if l.shared == nil {
		return c.do(ctx, watch, method, to, request, l)
	}
	watch.use(l.remote, c.pool.isUsed(l))
	response, err := l.shared.RoundTrip(newRequest(watch.follow(ctx), method, to.URL, request))
	if err != nil {
		c.pool.release(l)
		return nil, err
	}
	response.TLS = l.state
	response.Body = &sharedBody{ReadCloser: response.Body, release: func() { c.pool.release(l) }}
	return response, nil
}

// sharedBody is the body of an answer over HTTP/2.
type sharedBody struct {
	io.ReadCloser
	release func()
}

func (b *sharedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.release != nil {
		b.release()
		b.release = nil
	}
	return err
}

func newRequest(ctx context.Context, method string, u *url.URL, request *wire.Request) *http.Request {
	header := request.Header
	if header == nil {
		header = make(http.Header)
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // else net/http sends one of its own beside a "user-agent"
	}
	made := (&http.Request{
		Method: method, URL: u, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(request.Body)),
		Body:          io.NopCloser(bytes.NewReader(request.Body)),
	}).WithContext(ctx)
	if len(request.Body) == 0 {
		made.Body = http.NoBody // else its length counts as unknown, and it is sent in chunks
	}
	return made
}
