package egress

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// MaxHeadBytes is the largest head of an answer that is read at all; a larger one
// fails the attempt.
const maxHeadBytes = 64 << 10

// drainLimit is how much of an answer beyond what is kept is read and thrown
// away, so that its connection can be used again.
const drainLimit = 256 << 10

// Client sends requests. It is safe for concurrent use.
type Client struct {
	guard     *guard
	allowHTTP bool
	transport *http.Transport
	urls      urlCache
}

// New makes a client. The error has code [peal.Invalid].
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	guard := newGuard(options)
	dial := options.Dial
	if dial == nil {
		dial = newDialer(guard).DialContext
	}
	return &Client{
		guard:     guard,
		allowHTTP: options.AllowHTTP,
		transport: &http.Transport{
			// No Proxy: the environment of the server must not redirect its requests.
			DialContext:            dial,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConns:           options.MaxIdle,
			MaxIdleConnsPerHost:    options.MaxIdlePerHost,
			IdleConnTimeout:        options.IdleTimeout,
			MaxResponseHeaderBytes: maxHeadBytes,
		},
	}, nil
}

// Close closes the idle connections. Attempts under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// CheckURL refuses what no attempt could reach: http where it is not allowed, a
// port or a written-out address that is not. Names are checked when they are
// dialled. The error has code [peal.Invalid] and the field "url".
func (c *Client) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return peal.Invalidf("url", "is no URL: write it as https://host/path")
	}
	return c.guard.checkURL(u, c.allowHTTP)
}

// Do sends one request and fills in the attempt: everything from StartedAt to the
// answer. timeout bounds it as a whole; ctx ends it early. It gives the delay that
// the endpoint asked for with Retry-After, 0 for none.
func (c *Client) Do(ctx context.Context, request *wire.Request, timeout time.Duration, attempt *peal.Attempt) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	watch := newWatch()
	attempt.StartedAt = watch.start.UTC().Truncate(time.Microsecond)
	attempt.URL = request.URL
	attempt.BodySize = len(request.Body)
	attempt.RequestHead = requestHead(request)

	response, err := c.send(httptrace.WithClientTrace(ctx, watch.trace()), request)
	if err != nil {
		watch.fill(attempt)
		attempt.Reason, attempt.Error = classify(ctx, err, watch.wrote())
		return 0
	}
	defer response.Body.Close()
	readErr := readAnswer(response, attempt)
	watch.fill(attempt)
	attempt.Reason, attempt.Error = verdict(ctx, response, readErr)
	return retryAfter(response.Header, time.Now())
}

func (c *Client) send(ctx context.Context, request *wire.Request) (*http.Response, error) {
	u, err := c.urls.parse(request.URL)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "http" && !c.allowHTTP {
		return nil, &blocked{address: u.Host, cause: errHTTP}
	}
	header := request.Header
	// net/http repeats a request on a fresh connection when a kept one turns out to
	// be closed, but a POST only with this key; an empty one is not sent.
	header["X-Idempotency-Key"] = nil
	body := request.Body
	return c.transport.RoundTrip((&http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}).WithContext(ctx))
}

// readAnswer keeps the answer's head and the beginning of its body.
func readAnswer(response *http.Response, attempt *peal.Attempt) error {
	attempt.StatusCode = response.StatusCode
	attempt.ResponseHead = responseHead(response.Header)
	if response.ContentLength == 0 {
		return nil
	}
	size := int64(512)
	if response.ContentLength > 0 {
		size = min(response.ContentLength, peal.MaxResponseBody)
	}
	kept := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := kept.ReadFrom(io.LimitReader(response.Body, peal.MaxResponseBody)); err != nil {
		attempt.ResponseBody = kept.Bytes()
		attempt.ResponseTruncated = true
		return err
	}
	attempt.ResponseBody = kept.Bytes()
	if kept.Len() < peal.MaxResponseBody {
		return nil
	}
	more, err := io.CopyN(io.Discard, response.Body, drainLimit)
	attempt.ResponseTruncated = more > 0 || err != nil && err != io.EOF
	return nil
}

// urlCache keeps parsed URLs, since a webhook's URL is used for each of its
// attempts. It forgets everything when it is full.
type urlCache struct {
	mu   sync.RWMutex
	urls map[string]*url.URL
}

const maxCachedURLs = 10_000

func (c *urlCache) parse(text string) (*url.URL, error) {
	c.mu.RLock()
	u := c.urls[text]
	c.mu.RUnlock()
	if u != nil {
		return u, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.urls == nil || len(c.urls) >= maxCachedURLs {
		c.urls = make(map[string]*url.URL)
	}
	c.urls[text] = u
	return u, nil
}
