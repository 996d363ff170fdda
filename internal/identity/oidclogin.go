package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// OIDCCallback is the path to which the provider redirects browsers.
const OIDCCallback = "/login/oidc/callback"

// OIDCName returns the provider's name on the sign-in button, or "" without a provider.
func (i *Identity) OIDCName() string {
	switch {
	case i.provider == nil:
		return ""
	case i.provider.Name == "":
		return "OpenID"
	}
	return i.provider.Name
}

// BeginOIDC returns the URL at the provider for a sign-in, and sets a cookie with the state, which
// is valid for ten minutes. next is the local path to go to afterwards. The error has code
// [peal.Unavailable] if the provider cannot be reached and [peal.NotFound] without a provider.
func (i *Identity) BeginOIDC(w http.ResponseWriter, r *http.Request, next string) (string, error) {
	if i.provider == nil {
		return "", errNoProvider
	}
	leave, err := i.provider.enter()
	if err != nil {
		return "", err
	}
	defer leave()
	found, err := i.provider.discover(r.Context())
	if err != nil {
		return "", err
	}
	f := newFlow(next, i.now())
	i.setCookie(w, r, oidcCookie, f.String(), f.until)
	return i.provider.oauth(found, i.URL(r, OIDCCallback)).AuthCodeURL(f.state(), oidc.Nonce(f.nonce()),
		oauth2.S256ChallengeOption(f.verifier())), nil
}

var errNoProvider = peal.Fail(peal.NotFound, message.OpenIDOff)

// FinishOIDC handles the callback of the provider, signs the user in and returns the path to go to.
// The error has code [peal.Unauthorized] if the callback does not match the request,
// [peal.Forbidden] if the person may not sign in, and [peal.Unavailable] if the provider cannot be
// reached.
func (i *Identity) FinishOIDC(w http.ResponseWriter, r *http.Request) (next string, err error) {
	if i.provider == nil {
		return "/", errNoProvider
	}
	f, ok := parseFlow(i.token(r, oidcCookie), i.now())
	i.setCookie(w, r, oidcCookie, "", time.Time{}) // valid only once, whatever the outcome
	query := r.URL.Query()
	if !ok || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.state())) != 1 {
		return "/", peal.Fail(peal.Unauthorized, message.OpenIDForeign)
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != i.provider.Issuer { // RFC 9207
		return f.next, peal.Fail(peal.Unauthorized, message.OpenIDIssuer)
	}
	if code := query.Get("error"); code != "" { // RFC 6749, section 4.1.2.1
		i.log.Info("the OpenID provider let nobody in", "error", truncate(code))
		return f.next, peal.Fail(peal.Unauthorized, message.OpenIDDenied)
	}
	leave, err := i.provider.enter()
	if err != nil {
		return f.next, err
	}
	defer leave()
	person, err := i.provider.person(r.Context(), query.Get("code"), i.URL(r, OIDCCallback), f)
	if err != nil {
		var e *peal.Error
		if errors.As(err, &e) && e.Code == peal.Unauthorized {
			i.log.Warn("a sign-in with OpenID was refused", "reason", e.Err, "address", i.address(r))
		}
		return f.next, err
	}
	return f.next, i.logInPerson(w, r, person)
}

// person is an identity verified by the provider.
type person struct {
	subject string    // as in [peal.User]
	email   string    // in lower case; "" without a verified address
	role    peal.Role // from the claims; "" for none
}

// person exchanges a code for an ID token and checks it (OpenID Connect Core 1.0,
// section 3.1.3.7).
func (p *provider) person(ctx context.Context, code, redirect string, f flow) (person, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(found, redirect).Exchange(ctx, code, oauth2.VerifierOption(f.verifier()))
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.Response != nil &&
		refused.Response.StatusCode < 500 {
		return person{}, untrusted(err)
	} else if err != nil {
		return person{}, p.unavailable(err)
	}
	text, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.now}).Verify(ctx, text)
	if err != nil {
		return person{}, untrusted(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.nonce())) != 1 {
		return person{}, untrusted(errors.New("the token was made for another sign-in"))
	}
	var claims struct {
		Party    string `json:"azp"`
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	var all map[string]json.RawMessage
	if err := errors.Join(id.Claims(&claims), id.Claims(&all)); err != nil {
		return person{}, untrusted(err)
	}
	if id.Subject == "" || claims.Party != "" && claims.Party != p.ClientID {
		return person{}, untrusted(errors.New("the token has no subject, or was made for another application"))
	}
	if claims.Email == "" && found.UserInfoEndpoint() != "" {
		// The address may be available only there (section 5.4).
		info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return person{}, p.unavailable(err)
		}
		if info.Subject == id.Subject {
			claims.Email, claims.Verified = info.Email, info.EmailVerified
		}
	}
	who := person{subject: p.Issuer + " " + id.Subject, role: p.role(all)}
	if claims.Verified {
		who.email = peal.NormalizeUserName(claims.Email)
	}
	return who, nil
}

func untrusted(err error) error {
	return peal.Fail(peal.Unauthorized, message.OpenIDUntrusted).Because(errors.New(reason(err)))
}

// The limits of a sign-in at the provider.
const (
	flowLife = 10 * time.Minute // from the button to the callback
	maxNext  = 2000             // bytes of the path to go to afterwards; a longer one is replaced by /
)

// flow is the state of a sign-in at the provider. It is stored in a cookie, so that any node can
// finish it. State, nonce and PKCE verifier are derived from its secret, so that knowing one of
// them, as the provider does, does not reveal the others.
type flow struct {
	secret string
	until  time.Time
	next   string // local path to go to afterwards
}

func newFlow(next string, now time.Time) flow {
	if len(next) > maxNext {
		next = "/"
	}
	return flow{secret: newToken(), until: now.Add(flowLife).Truncate(time.Second), next: next}
}

// String returns the value of the cookie.
func (f flow) String() string {
	return f.secret + "." + strconv.FormatInt(f.until.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(f.next))
}

// parseFlow parses a cookie. It returns false for an invalid or expired flow.
func parseFlow(text string, now time.Time) (flow, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(parts[0]) != len(newToken()) {
		return flow{}, false
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	until := time.Unix(seconds, 0)
	if err != nil || !now.Before(until) || until.Sub(now) > flowLife {
		return flow{}, false
	}
	next, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(next) > maxNext {
		return flow{}, false
	}
	return flow{secret: parts[0], until: until, next: string(next)}, true
}

func (f flow) state() string { return f.derive("state") }

func (f flow) nonce() string { return f.derive("nonce") }

func (f flow) verifier() string { return f.derive("verifier") } // 43 characters, the minimum of RFC 7636

// derive returns a value that depends on all of the flow.
func (f flow) derive(purpose string) string {
	mac := hmac.New(sha256.New, []byte(f.secret))
	mac.Write([]byte(purpose + " " + f.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// The limits of requests to the provider.
const (
	providerTimeout = 10 * time.Second // for one response
	providerAnswer  = 1 << 20          // bytes of one
	providerRetry   = 5 * time.Second  // between a failed discovery and the next
	providerCalls   = 16               // concurrent sign-ins waiting for it
)

// provider is the OpenID provider. It is discovered at the first sign-in, so that an unreachable
// provider does not prevent the server from starting.
type provider struct {
	OIDC
	client *http.Client
	now    func() time.Time
	calls  chan struct{} // limits concurrent calls

	mu      sync.Mutex
	found   *oidc.Provider // nil before discovery
	failure error          // of the last discovery
	retryAt time.Time      // failure is valid until then
}

func newProvider(options OIDC, now func() time.Time) *provider {
	// Like the rest of the server, it ignores proxies in the environment. It keeps no idle
	// connections, because sign-ins are rare and nothing would close them.
	transport := &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSHandshakeTimeout: providerTimeout,
		MaxResponseHeaderBytes: 64 << 10}
	return &provider{
		OIDC: options, now: now, calls: make(chan struct{}, providerCalls),
		client: &http.Client{
			Transport: limitedResponses{transport}, Timeout: providerTimeout,
			// A redirect could leak the client's secret.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// discover returns the provider's discovered configuration. The error has code [peal.Unavailable].
func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failure != nil && p.now().Before(p.retryAt) {
		return nil, p.failure
	}
	// A disconnecting browser must not fail the discovery for others who wait.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
	if err != nil {
		p.failure, p.retryAt = p.unavailable(err), p.now().Add(providerRetry)
		return nil, p.failure
	}
	p.found, p.failure = found, nil
	return found, nil
}

// oauth returns the configuration of the code flow with a redirect URL.
func (p *provider) oauth(found *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "email"},
	}
}

// enter reserves a call without waiting. The error has code [peal.RateLimited] if there are too
// many.
func (p *provider) enter() (leave func(), err error) {
	select {
	case p.calls <- struct{}{}:
		return func() { <-p.calls }, nil
	default:
		return nil, peal.Fail(peal.RateLimited, message.TooManySignIns).RetryIn(providerRetry)
	}
}

func (p *provider) unavailable(err error) error {
	return peal.Fail(peal.Unavailable, message.OpenIDUnreachable).RetryIn(providerRetry).Because(errors.New(reason(err)))
}

// reason returns the text of a provider's error for the log, without the body of a token response,
// which contains tokens.
func reason(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		text := "the provider refused the code"
		if refused.Response != nil {
			text += " with " + refused.Response.Status
		}
		return text + " " + truncate(refused.ErrorCode)
	}
	return truncate(err.Error())
}

// truncate shortens a foreign text for the log.
func truncate(text string) string {
	const most = 300
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// limitedResponses limits the size of responses.
type limitedResponses struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b limitedResponses) RoundTrip(r *http.Request) (*http.Response, error) {
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

// logInPerson signs in the user of a person, and records a refusal.
func (i *Identity) logInPerson(w http.ResponseWriter, r *http.Request, p person) error {
	user, change, err := i.userOf(r.Context(), p)
	for errors.Is(err, peal.ErrRevision) && r.Context().Err() == nil {
		user, change, err = i.userOf(r.Context(), p)
	}
	if peal.CodeOf(err) == peal.Forbidden {
		nobody := Principal{Kind: KindAnonymous, Name: p.email}
		if err := i.Record(r, nobody, Entry{Action: "session.refuse", Target: truncate(p.subject),
			Detail: "OpenID: " + err.Error()}); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	who, err := i.startUserSession(w, r, &user)
	if err != nil {
		return err
	}
	if change != "" {
		if err := i.Record(r, who, Entry{Tenant: user.Tenant, Action: change, Target: who.ID,
			Detail: "OpenID, role " + string(user.Role)}); err != nil {
			return err
		}
	}
	return i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.begin", Target: who.SessionID.String(),
		Detail: "OpenID"})
}

// userOf returns the user of a person: the user with the subject, or at the first sign-in the user
// named like the verified e-mail address, or a new user if the options allow it. change is
// user.update or user.create if it changed or created the user; with RoleClaim it updates the role
// at every sign-in. The error has code [peal.Forbidden] if there is no such user.
func (i *Identity) userOf(ctx context.Context, p person) (user peal.User, change string, err error) {
	if len(i.provider.AllowedDomains) > 0 && (p.email == "" || !i.provider.allows(p.email)) {
		return user, "", peal.Fail(peal.Forbidden, message.OpenIDDomain)
	}
	isMapped := i.provider.RoleClaim != ""
	if isMapped && p.role == "" {
		return user, "", peal.Fail(peal.Forbidden, message.OpenIDNoRole)
	}
	user, err = i.store.UserBySubject(ctx, p.subject)
	if err == nil && isMapped && user.Role != p.role {
		user.Role, user.UpdatedAt = p.role, i.changedAt(&user)
		return user, "user.update", i.store.UpdateUser(ctx, user)
	}
	if peal.CodeOf(err) != peal.NotFound {
		return user, "", err
	}
	if p.email == "" {
		return user, "", peal.Fail(peal.Forbidden, message.OpenIDUnverified)
	}
	user, err = i.store.UserByName(ctx, p.email)
	switch {
	case err == nil && user.Subject != "":
		return user, "", peal.Fail(peal.Forbidden, message.OpenIDOtherPerson)
	case err == nil:
		user.Subject, user.UpdatedAt = p.subject, i.changedAt(&user)
		if isMapped {
			user.Role = p.role
		}
		return user, "user.update", i.store.UpdateUser(ctx, user)
	case peal.CodeOf(err) != peal.NotFound:
		return user, "", err
	case p.role == "":
		return user, "", peal.Fail(peal.Forbidden, message.OpenIDNoUser)
	}
	user = peal.User{
		ID: peal.NewUserID(), Name: p.email, Subject: p.subject, Tenant: i.provider.DefaultTenant, Role: p.role,
	}
	user.UpdatedAt = i.changedAt(&user)
	if user.Validate() != nil {
		return user, "", peal.Fail(peal.Forbidden, message.OpenIDUserName)
	}
	return user, "user.create", i.store.CreateUser(ctx, user)
}
