package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

const (
	// maxHeadBytes is the largest head of an answer that is read at all; a larger one
	// fails the attempt.
	maxHeadBytes = 64 << 10

	// An HTTP/2 connection that has been silent for pingAfter is asked for a sign of
	// life and given up when none comes within pingTimeout: all requests to its host
	// share it, and would otherwise wait in vain for minutes.
	pingAfter   = 15 * time.Second
	pingTimeout = 5 * time.Second

	// ioBuffer is how much is read and written at once: a usual request fits, and a
	// thousand endpoints that hang keep a thousand of each.
	ioBuffer = 2 << 10

	// streamBuffer is how much of an answer an HTTP/2 endpoint may send ahead.
	streamBuffer = 64 << 10
)

// Client sends requests. It is safe for concurrent use.
type Client struct {
	guard    *guard
	proxy    *proxy // nil for none
	resolver *net.Resolver
	direct   *direct         // small requests without TLS
	kept     *http.Transport // keeps connections
	fresh    *http.Transport // makes one for each request
	urls     urlCache
	apart    *apart // those of With
}

// New makes a client. The error has code [peal.Invalid].
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	guard := newGuard(options)
	proxy, err := parseProxy(options.Proxy)
	if err != nil {
		return nil, err
	}
	if options.RootCAs, err = authorities(options); err != nil {
		return nil, err
	}
	resolver := options.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	dial := newDial(options, guard, proxy, resolver)
	kept := &http.Transport{
		// Never that of the environment, which must not redirect the server's requests.
		Proxy:                  proxy.forTransport(),
		OnProxyConnectResponse: connected,
		DialContext:            dial,
		TLSHandshakeTimeout:    options.ConnectTimeout,
		TLSClientConfig:        &tls.Config{RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, MaxReceiveBufferPerStream: streamBuffer},
		DisableCompression:     true,
		MaxIdleConns:           options.MaxIdle,
		MaxIdleConnsPerHost:    options.MaxIdlePerHost,
		IdleConnTimeout:        options.IdleTimeout,
		MaxResponseHeaderBytes: maxHeadBytes,
		ReadBufferSize:         ioBuffer,
		WriteBufferSize:        ioBuffer,
	}
	fresh := kept.Clone()
	fresh.DisableKeepAlives = true
	return &Client{
		guard: guard, proxy: proxy, resolver: resolver, kept: kept, fresh: fresh, direct: &direct{dial: dial, pool: newPool(options)},
		apart: newApart(),
	}, nil
}

// Close closes the idle connections. Attempts under way go on.
func (c *Client) Close() {
	c.apart.close()
	c.direct.pool.close()
	c.kept.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}

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
		attempt.Reason, attempt.Error = classify(ctx, err, watch, request.URL)
		return Told{}
	}
	defer response.Body.Close()
	readErr := readAnswer(response, attempt)
	hideEcho(request, attempt)
	watch.fill(attempt)
	attempt.Reason, attempt.Error = verdict(ctx, response, readErr)
	return Told{RetryAfter: retryAfter(response.Header), CertificateExpires: expiry(response)}
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
	u, err := c.urls.parse(request.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, unsendable("the URL is none that a request can go to: write it as https://host/path")
	}
	if name := framing(request.Header); name != "" {
		return nil, unsendable("the header " + plain(name) + " may not be set: it belongs to the connection")
	}
	if _, ok := portOf(u.URL); !ok {
		return nil, unsendable("the URL has a port outside 1 to 65535")
	}
	if u.Scheme == "http" && !c.guard.allowHTTP && !c.guard.isInside(u.URL) {
		return nil, refusal{why: plainHTTP}
	}
	if c.proxy != nil {
		if err := c.ahead(ctx, u.URL); err != nil {
			return nil, err
		}
	}
	response, err := c.first(ctx, watch, method, u, request)
	if err != nil && watch.stale(err) && ctx.Err() == nil {
		// The endpoint had closed a kept connection, as it may at any time: that is no
		// failure of its own. One more connection decides, and only one: if it read the
		// request and broke down over it, it must not be fed it again and again.
		watch.again()
		response, err = c.fresh.RoundTrip(newRequest(watch.follow(ctx), method, u.URL, request, watch))
	}
	if err != nil || u.Scheme != "http" {
		return response, err
	}
	if err := c.proxy.ownAnswer(response); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}

// first sends a request on a connection that is kept, or on one that will be.
func (c *Client) first(ctx context.Context, watch *watch, method string, u *target, request *wire.Request) (*http.Response, error) {
	if method == http.MethodPost && u.plain != nil && c.proxy == nil && fits(request, u.plain) {
		return c.direct.do(ctx, watch, u.plain, request)
	}
	return c.kept.RoundTrip(newRequest(watch.follow(ctx), method, u.URL, request, watch))
}

func newRequest(ctx context.Context, method string, u *url.URL, request *wire.Request, watch *watch) *http.Request {
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
		GetBody: func() (io.ReadCloser, error) { // when not a byte of it was taken
			watch.again()
			return io.NopCloser(bytes.NewReader(request.Body)), nil
		},
	}).WithContext(ctx)
	if len(request.Body) == 0 {
		made.Body, made.GetBody = http.NoBody, nil // else its length counts as unknown, and it is sent in chunks
	}
	return made
}
