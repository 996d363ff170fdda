package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/wire"
)

const (
	// An HTTP/2 connection that was silent for pingAfter is pinged, and closed without a reply
	// within pingTimeout. All requests to its host share it and would otherwise wait for minutes.
	pingAfter   = 15 * time.Second
	pingTimeout = 5 * time.Second

	// streamBuffer is the flow-control window of an HTTP/2 stream, in bytes.
	streamBuffer = 64 << 10
)

// Client sends requests. It is safe for concurrent use.
type Client struct {
	*core
	scope string      // of the connections, which only clients with an equal scope share
	tls   *tls.Config // of the TLS connections, without the server's name
	gate  *gate.Gate  // hides the secrets of the webhook's settings
}

// core is the state shared by all clients of one set of options.
type core struct {
	options  Options
	resolver *net.Resolver
	rules    atomic.Pointer[rules]
	pool     *pool
	http2    *http.Transport
	urls     urlCache

	reload    sync.Mutex
	effective Options // with the rules in force
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

// Reload replaces the rules: what may be reached, and through which proxy. If they differ from the
// rules in force, it closes all idle connections; a busy one closes after its last request. Other
// options keep the values given to [New]. On an error, which has code [peal.Invalid], nothing
// changes.
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
	c.pool.retire(next.generation)
	return nil
}

// Close closes the idle connections of all clients with the same core. Running attempts continue.
func (c *Client) Close() { c.pool.closeIdle(func(place) bool { return true }) }

// CloseIdle closes the idle connections of clients with the same terms. It must be called when the
// terms of a webhook change.
func (c *Client) CloseIdle() { c.pool.closeIdle(func(at place) bool { return at.scope == c.scope }) }

// Shares reports whether both clients use the same connections.
func (c *Client) Shares(other *Client) bool { return c.scope == other.scope }

// Do sends one request and sets the fields of the attempt from StartedAt to the response. timeout
// bounds the whole attempt; ctx may end it earlier. Do owns the request until it returns and may
// add to its header.
func (c *Client) Do(ctx context.Context, request *wire.Request, timeout time.Duration, attempt *peal.Attempt) Response {
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
		fail(attempt)(classify(ctx, err, watch, request.URL, gateFor(c.gate, request, attempt.RequestHead)))
		return Response{}
	}
	defer response.Body.Close()
	g := gateFor(c.gate, request, attempt.RequestHead)
	readErr := readAnswer(response, attempt, g)
	watch.fill(attempt)
	fail(attempt)(verdict(ctx, response, readErr, g))
	return Response{RetryAfter: retryAfter(response.Header), CertificateExpires: expiry(response)}
}

// fail returns a function that records why an attempt failed; it records nothing for a success.
func fail(attempt *peal.Attempt) func(peal.Reason, gate.Text) {
	return func(reason peal.Reason, why gate.Text) { attempt.Reason, attempt.Error = reason, why.String() }
}

func (c *Client) send(ctx context.Context, watch *watch, method string, request *wire.Request) (*http.Response, error) {
	to, err := c.urls.parse(request.URL)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return nil, unsendable("the URL is not valid; write it as https://host/path")
	}
	if name := framing(request.Header); name != "" {
		return nil, unsendable("the header " + plain(name) + " must not be set; it belongs to the connection")
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
		if err := r.precheck(ctx, via, to.URL, c.resolver); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	response, err := c.sendOn(ctx, watch, method, to, request, c.pool.take(place{c.scope, to.origin}))
	if err != nil && watch.stale(err) && ctx.Err() == nil {
		// The endpoint closed an idle connection, as it may at any time. This alone is not a
		// failure, so the request is repeated on a new connection, but only once: an endpoint that
		// crashed on the request must not receive it again and again.
		watch.restart()
		response, err = c.sendOn(ctx, watch, method, to, request, nil)
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

// sendOn sends a request on connection l, or on a new one if l is nil.
func (c *Client) sendOn(ctx context.Context, watch *watch, method string, to *target, request *wire.Request, l *link) (*http.Response, error) {
	if l == nil {
		var err error
		if l, err = c.connect(context.WithValue(ctx, watchKey{}, watch), watch, to); err != nil {
			return nil, err
		}
	}
	if l.shared == nil {
		return c.sendHTTP1(ctx, watch, method, to, request, l)
	}
	watch.use(l.remote, c.pool.isUsed(l))
	response, err := l.shared.RoundTrip(newRequest(watch.trace(ctx), method, to.URL, request))
	if err != nil {
		c.pool.release(l)
		return nil, err
	}
	response.TLS = l.state
	response.Body = &sharedBody{ReadCloser: response.Body, release: func() { c.pool.release(l) }}
	return response, nil
}

// sharedBody is the body of a response over HTTP/2.
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

// sendHTTP1 sends a request over HTTP/1.1.
func (c *Client) sendHTTP1(ctx context.Context, watch *watch, method string, to *target, request *wire.Request, l *link) (*http.Response, error) {
	if to.line == "" || method != http.MethodPost || c.rules.Load().forwards(to) {
		written, err := c.rewrite(method, to, request)
		if err != nil {
			l.close()
			return nil, err
		}
		if len(written) > maxDirect {
			return l.send(ctx, nil, written, c.pool, watch)
		}
		return l.send(ctx, written, nil, c.pool, watch)
	}
	buffer := requests.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= maxKeptBuffer {
			requests.Put(buffer)
		}
	}()
	*buffer = appendHead((*buffer)[:0], to.line, request)
	if len(*buffer)+len(request.Body) > maxDirect {
		return l.send(ctx, slices.Clone(*buffer), request.Body, c.pool, watch) // may be written until the response is closed
	}
	*buffer = append(*buffer, request.Body...)
	return l.send(ctx, *buffer, nil, c.pool, watch)
}

// rewrite encodes a request with net/http: requests with methods other than POST, to unusual hosts,
// and to a forwarding proxy.
func (c *Client) rewrite(method string, to *target, request *wire.Request) ([]byte, error) {
	made := newRequest(context.Background(), method, to.URL, request)
	var written bytes.Buffer
	if r := c.rules.Load(); r.forwards(to) {
		made.Header = made.Header.Clone()
		if credentials := r.proxy.credentials(); credentials != "" {
			made.Header.Set("Proxy-Authorization", credentials)
		}
		err := made.WriteProxy(&written)
		return written.Bytes(), err
	}
	err := made.Write(&written)
	return written.Bytes(), err
}

// connect opens a connection to a target, with TLS for https.
func (c *Client) connect(ctx context.Context, watch *watch, to *target) (*link, error) {
	r := c.rules.Load()
	conn, err := r.reach(ctx, to, c.options)
	if err != nil {
		return nil, err
	}
	if !to.secure {
		l := newLink(conn)
		c.pool.admit(l, place{c.scope, to.origin}, r.generation)
		return l, nil
	}
	secure, err := c.secure(ctx, watch, to, conn)
	if err != nil {
		return nil, err
	}
	l := newLink(secure)
	c.pool.admit(l, place{c.scope, to.origin}, r.generation)
	if l.state.NegotiatedProtocol == "h2" {
		return c.speakHTTP2(ctx, l, to)
	}
	return l, nil
}

// secure performs the TLS handshake. Sessions are not cached, because a tenant must never resume
// the session of another.
func (c *Client) secure(ctx context.Context, watch *watch, to *target, conn net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.ConnectTimeout)
	defer cancel()
	config := c.tls.Clone()
	config.ServerName = to.host
	watch.begin(securing, &watch.secure, "")
	secure := tls.Client(conn, config)
	err := secure.HandshakeContext(ctx)
	watch.end(&watch.timing.TLS, &watch.secure)
	watch.noteTLS(err)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// securedKey is the context key of the TLS connection for a new HTTP/2 connection.
type securedKey struct{}

// newHTTP2 returns a transport that only wraps existing connections in HTTP/2. It neither dials nor
// pools.
func newHTTP2() *http.Transport {
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(securedKey{}).(net.Conn), nil
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, MaxReceiveBufferPerStream: streamBuffer},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeadBytes,
	}
}

// speakHTTP2 turns a TLS connection into an HTTP/2 connection with one stream reserved.
func (c *Client) speakHTTP2(ctx context.Context, l *link, to *target) (*link, error) {
	shared, err := c.http2.NewClientConn(context.WithValue(context.WithoutCancel(ctx), securedKey{}, l.conn), "https", to.address)
	if err != nil {
		l.close()
		return nil, err
	}
	l.shared, l.reader = shared, nil
	return c.pool.share(l), nil
}
