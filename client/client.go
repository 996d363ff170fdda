package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls one Peal server with one key. It is safe for concurrent use.
type Client struct {
	base    string // without a slash at the end
	key     string
	options Options
	http    *http.Client
}

// New creates a client of the server at baseURL, such as https://peal.example.com, with an API key.
// It does not connect yet.
func New(baseURL, key string, options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the server's address %q is not a valid URL; write it as https://host:port", baseURL)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("the server's address must not have a user, query or fragment")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= 0x20 || r >= 0x7f }) {
		return nil, errors.New("the key must consist of printable ASCII characters without spaces")
	}
	c := &Client{base: strings.TrimRight(baseURL, "/"), key: key, options: options, http: options.HTTPClient}
	if c.http == nil {
		c.http = newHTTPClient()
	}
	return c, nil
}

// ForTenant returns a client that acts for another tenant; it needs an operator's key.
func (c *Client) ForTenant(name string) *Client {
	other := *c
	other.options.Tenant = name
	return &other
}

// call is one request of the API.
type call struct {
	method string
	path   string // escaped, such as /v1/events
	query  url.Values
	body   any  // nil for none; []byte is sent as it is, anything else as JSON
	repeat bool // whether it is safe to repeat
}

// do makes a call, with retries if it is safe to repeat, and decodes the answer into result unless
// that is nil.
func (c *Client) do(ctx context.Context, call call, result any) error {
	body, err := encode(call.body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	for try := 0; ; try++ {
		err := c.once(ctx, call, body, result)
		if err == nil {
			return nil
		}
		if try > 0 && call.method == http.MethodDelete && StatusOf(err) == http.StatusNotFound {
			return nil // an earlier try deleted it and its answer was lost
		}
		if !call.repeat || try == c.options.Retries || !worthRepeating(err) {
			return err
		}
		if waitErr := wait(ctx, pause(try, err)); waitErr != nil {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, call call, body []byte, result any) error {
	if c.options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.Timeout)
		defer cancel()
	}
	request, err := c.request(ctx, call, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err // a *url.Error: it names the method and the address
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return readError(response, time.Now())
	}
	text, err := io.ReadAll(response.Body)
	if err == nil && result != nil {
		if err = json.Unmarshal(text, result); err != nil {
			err = fmt.Errorf("%w: %w", ErrAnswer, err)
		}
	}
	if err != nil {
		return fmt.Errorf("read the answer of %s %s: %w", call.method, request.URL, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, call call, body []byte) (*http.Request, error) {
	address := c.base + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, call.method, address, reader)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		h.Set("Authorization", "Bearer "+c.key)
	}
	if c.options.Tenant != "" {
		h.Set("Peal-Tenant", c.options.Tenant)
	}
	h.Set("User-Agent", "peal-client-go")
	if c.options.UserAgent != "" {
		h.Set("User-Agent", c.options.UserAgent)
	}
	return request, nil
}

// encode returns JSON without escaping "<", ">" and "&", so that JSON from the caller changes only
// in white space.
func encode(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return body, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// send sends a call and returns its answer.
func send[T any](ctx context.Context, c *Client, call call) (T, error) {
	var answer T
	err := c.do(ctx, call, &answer)
	return answer, err
}

// withNulls returns a body's JSON with null for the members of the given names.
func withNulls(body any, names []string) ([]byte, error) {
	text, err := encode(body)
	if err != nil || len(names) == 0 {
		return text, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	for _, name := range names {
		members[name] = json.RawMessage("null")
	}
	return encode(members)
}
