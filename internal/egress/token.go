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
	// A token is renewed so long before it expires, or after half its life where that
	// is shorter, and one without an end after maxTokenAge.
	renewBefore = time.Minute
	maxTokenAge = time.Hour

	maxTokens    = 10_000   // kept at once
	maxTokenText = 16 << 10 // bytes of one
	maxTokenBody = 64 << 10 // bytes of a token server's answer that are read
)

// Tokens keeps the OAuth2 tokens of webhooks until they expire. It is safe for
// concurrent use; whoever asks for a token that is being got waits for that one.
type Tokens struct {
	client *Client

	mu    sync.Mutex
	known map[[32]byte]*token
}

// token is one client's at one token server.
type token struct {
	turn  chan struct{} // held by who reads or gets it
	value string        // as the Authorization header has it; "" for none
	renew time.Time
}

// NewTokens makes an empty keeper that asks token servers through a client.
func NewTokens(client *Client) *Tokens {
	return &Tokens{client: client, known: make(map[[32]byte]*token)}
}

// TokenError is why there is no token, as an attempt has it on record.
type TokenError struct {
	Reason peal.Reason
	Words  gate.Text
}

func (e *TokenError) Error() string { return e.Words.String() }

// noToken returns the error of what a token server, or the way to it, has failed with.
func noToken(reason peal.Reason, words gate.Text) error {
	if reason != peal.ReasonBlocked && reason != peal.ReasonCanceled {
		reason = peal.ReasonToken
	}
	return &TokenError{reason, gate.Join(gate.Fixed("no token: "), words)}
}

// Get gives the Authorization header's value, asking the token server where there is
// none that is good for a while, or where that is stale: one that an endpoint refused.
// fresh reports that it was asked just now. Tenants share neither tokens nor connections. The error
// is a *[TokenError].
func (t *Tokens) Get(ctx context.Context, tenant string, o *peal.OAuth2, stale string) (value string, fresh bool, err error) {
	k := t.of(tenant, o)
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

func (t *Tokens) of(tenant string, o *peal.OAuth2) *token {
	text, _ := json.Marshal([]any{tenant, o.TokenURL, o.ClientID, o.ClientSecret.Value, o.Scopes}) // texts alone: it cannot fail
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

// token asks a token server (RFC 6749, section 4.4), under the same guard as everything.
func (c *Client) token(ctx context.Context, o *peal.OAuth2) (*oauth2.Token, error) {
	asked := &asking{client: c}
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
	case errors.As(err, &answered): // its body may repeat what was sent
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

// tokenGate hides what a token server is asked with, as a client sends it (RFC 6749, section 2.3.1).
func tokenGate(o *peal.OAuth2) *gate.Gate {
	pair := url.QueryEscape(o.ClientID) + ":" + url.QueryEscape(o.ClientSecret.Value)
	return gate.New(append(querySecrets(o.TokenURL), o.ClientSecret.Value, base64.StdEncoding.EncodeToString([]byte(pair)))...)
}

// asking sends what the library asks through the client, and keeps why that failed.
type asking struct {
	client *Client
	reason peal.Reason
	words  string // not yet through a gate
}

var errAsking = errors.New("the token server was not reached")

func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	target := r.URL.String()
	watch := newWatch()
	response, err := a.client.send(r.Context(), watch, r.Method, &wire.Request{URL: target, Header: r.Header, Body: body})
	if err != nil {
		a.reason, a.words = explain(r.Context(), err, watch, target)
		return nil, errAsking
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxTokenBody))
	if err != nil {
		a.reason, a.words = peal.ReasonToken, "the token server's answer broke off"
		return nil, errAsking
	}
	response.Body = io.NopCloser(bytes.NewReader(answer))
	return response, nil
}
