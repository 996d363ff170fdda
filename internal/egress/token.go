package egress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/wire"
)

const (
	// A token is renewed renewBefore its expiry, or after half its lifetime if that is later. A
	// token without an expiry is renewed renewBefore maxTokenAge.
	renewBefore = time.Minute
	maxTokenAge = time.Hour

	maxTokens    = 10_000   // kept at once
	maxTokenText = 16 << 10 // bytes of one
	maxTokenBody = 64 << 10 // bytes of a token server's answer that are read
)

// Tokens caches the OAuth2 tokens of webhooks until they expire. It is safe for concurrent use;
// concurrent callers for one token share one request.
type Tokens struct {
	client *Client

	mu    sync.Mutex
	known map[[32]byte]*token
}

// token is the cached token of one client at one token server.
type token struct {
	turn  chan struct{} // held while the token is read or requested
	value string        // value of the Authorization header; "" for none
	renew time.Time
}

// NewTokens creates an empty cache that requests tokens through a client.
func NewTokens(client *Client) *Tokens {
	return &Tokens{client: client, known: make(map[[32]byte]*token)}
}

// TokenError is the reason why there is no token, as recorded in an attempt.
type TokenError struct {
	Reason peal.Reason
	Words  gate.Text
}

func (e *TokenError) Error() string { return e.Words.String() }

// noToken returns the error for a failure of a token server or of the connection to it.
func noToken(reason peal.Reason, words gate.Text) error {
	if reason != peal.ReasonBlocked && reason != peal.ReasonCanceled {
		reason = peal.ReasonToken
	}
	return &TokenError{reason, gate.Join(gate.Fixed("no token: "), words)}
}

// Get returns the value of the Authorization header. It requests a new token if the cached one is
// about to expire or equals stale, a value that an endpoint refused. fresh reports whether the
// token was requested by this call. Tenants share neither tokens nor connections. The error is a
// *[TokenError].
func (t *Tokens) Get(ctx context.Context, tenant string, o *peal.OAuth2, stale string) (value string, fresh bool, err error) {
	k := t.entry(tenant, o)
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return "", false, noToken(peal.ReasonToken, gate.Fixed("the token server did not answer in time"))
	}
	if k.value != "" && k.value != stale && time.Now().Before(k.renew) {
		return k.value, false, nil
	}
	k.value = ""
	got, err := t.client.With(Terms{Tenant: tenant}).token(ctx, o)
	if err != nil {
		return "", false, err
	}
	life := maxTokenAge
	if !got.Expiry.IsZero() {
		life = time.Until(got.Expiry)
	}
	k.value, k.renew = got.Type()+" "+got.AccessToken, time.Now().Add(max(life-renewBefore, life/2))
	return k.value, true, nil
}

func (t *Tokens) entry(tenant string, o *peal.OAuth2) *token {
	text, _ := json.Marshal([]any{tenant, o.TokenURL, o.ClientID, o.ClientSecret.Value, o.Scopes}) // only strings: it cannot fail
	key := sha256.Sum256(text)
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[key]
	if k == nil {
		if len(t.known) >= maxTokens {
			clear(t.known)
		}
		k = &token{turn: make(chan struct{}, 1)}
		t.known[key] = k
	}
	return k
}

// token requests a token (RFC 6749, section 4.4), guarded like every other request.
func (c *Client) token(ctx context.Context, o *peal.OAuth2) (*oauth2.Token, error) {
	asked := &tokenTransport{client: c}
	config := clientcredentials.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret.Value, TokenURL: o.TokenURL, Scopes: o.Scopes,
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport: asked, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	got, err := config.Token(ctx)
	var answered *oauth2.RetrieveError
	switch {
	case asked.words != "":
		return nil, noToken(asked.reason, tokenGate(o).Text(asked.words))
	case errors.As(err, &answered): // its body may repeat the request
		words := strings.TrimSpace("the token server answered " + fmt.Sprint(answered.Response.StatusCode) + " " + answered.ErrorCode)
		return nil, noToken(peal.ReasonToken, tokenGate(o).Text(words))
	case err != nil:
		return nil, noToken(peal.ReasonToken, gate.Fixed("the token server's answer holds none that can be read"))
	}
	value := got.Type() + " " + got.AccessToken
	if len(value) > maxTokenText || !gate.IsPrintable(value) {
		return nil, noToken(peal.ReasonToken, gate.Fixed("the token server's answer holds none that fits a header"))
	}
	return got, nil
}

// tokenGate returns a gate that hides the client's credentials in every form in which they are sent
// (RFC 6749, section 2.3.1).
func tokenGate(o *peal.OAuth2) *gate.Gate {
	pair := url.QueryEscape(o.ClientID) + ":" + url.QueryEscape(o.ClientSecret.Value)
	return gate.New(append(querySecrets(o.TokenURL), o.ClientSecret.Value, base64.StdEncoding.EncodeToString([]byte(pair)))...)
}

// tokenTransport sends the requests of the oauth2 library through the client and records the reason
// for a failure.
type tokenTransport struct {
	client *Client
	reason peal.Reason
	words  string // has not passed a gate
}

var errTokenTransport = errors.New("the token server was not reached")

func (a *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	target := r.URL.String()
	watch := newWatch()
	response, err := a.client.send(r.Context(), watch, r.Method, &wire.Request{URL: target, Header: r.Header, Body: body})
	if err != nil {
		a.reason, a.words = explain(r.Context(), err, watch, target)
		return nil, errTokenTransport
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxTokenBody))
	if err != nil {
		a.reason, a.words = peal.ReasonToken, "the token server's answer broke off"
		return nil, errTokenTransport
	}
	response.Body = io.NopCloser(bytes.NewReader(answer))
	return response, nil
}
