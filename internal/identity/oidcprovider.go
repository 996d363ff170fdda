package identity

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pealhq/peal"
)

// Limits of what is asked of the provider.
const (
	providerTimeout = 10 * time.Second // for one answer
	providerAnswer  = 1 << 20          // bytes of one
	providerRetry   = 5 * time.Second  // after a discovery that failed, before the next
	providerCalls   = 16               // sign-ins that wait for it at once
)

// provider is the OpenID provider. It is discovered when the first one signs in there,
// so that a dead one does not keep the server from starting.
type provider struct {
	OIDC
	client *http.Client
	now    func() time.Time
	calls  chan struct{} // has room for as many as may wait at once

	mu      sync.Mutex
	found   *oidc.Provider // nil before it was discovered
	failure error          // of the last discovery
	retryAt time.Time      // the failure counts until then
}

func newProvider(options OIDC, now func() time.Time) *provider {
	// No proxy of the environment, as everywhere in the server; no connection is left
	// open, as signing in is rare and nobody would close it.
	transport := &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSHandshakeTimeout: providerTimeout, MaxResponseHeaderBytes: 64 << 10}
	return &provider{
		OIDC: options, now: now, calls: make(chan struct{}, providerCalls),
		client: &http.Client{
			Transport: boundedAnswers{transport}, Timeout: providerTimeout,
			// A redirect could take the client's secret elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// discover gives the provider as it describes itself. Unavailable when it cannot be reached.
func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failure != nil && p.now().Before(p.retryAt) {
		return nil, p.failure
	}
	// A browser that leaves must not fail it for those who wait behind.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
	if err != nil {
		p.failure, p.retryAt = p.unavailable(err), p.now().Add(providerRetry)
		return nil, p.failure
	}
	p.found, p.failure = found, nil
	return found, nil
}

// oauth gives the settings of the code flow, for the browser that is answered at an address.
func (p *provider) oauth(found *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "email"},
	}
}

// enter waits for nobody: RateLimited when too many sign-ins are under way.
func (p *provider) enter() (leave func(), err error) {
	select {
	case p.calls <- struct{}{}:
		return func() { <-p.calls }, nil
	default:
		return nil, &peal.Error{Code: peal.RateLimited, Message: "too many are signing in: wait before you try again", RetryAfter: providerRetry}
	}
}

func (p *provider) unavailable(err error) error {
	return &peal.Error{Code: peal.Unavailable, Message: "the sign-in service cannot be reached: try again later", RetryAfter: providerRetry, Err: errors.New(reason(err))}
}

// reason is what is logged of a provider's error: never the body of an answer to a
// token request, where tokens are.
func reason(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		text := "the provider refused the code"
		if refused.Response != nil {
			text += " with " + refused.Response.Status
		}
		return text + " " + clip(refused.ErrorCode)
	}
	return clip(err.Error())
}

// clip shortens what others wrote to what a log wants.
func clip(text string) string {
	const most = 300
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// boundedAnswers breaks off answers that are too long.
type boundedAnswers struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b boundedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{http.MaxBytesReader(nil, response.Body, providerAnswer), response.Body}
	return response, nil
}
