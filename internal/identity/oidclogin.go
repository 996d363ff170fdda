package identity

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pealhq/peal"
)

// OIDCCallback is the path that the provider sends browsers back to.
const OIDCCallback = "/login/oidc/callback"

// OIDCName is what the button on the sign-in page calls the provider; "" for none.
func (i *Identity) OIDCName() string {
	switch {
	case i.provider == nil:
		return ""
	case i.provider.Name == "":
		return "OpenID"
	}
	return i.provider.Name
}

// BeginOIDC gives the address at the provider that a browser is sent to in order to sign
// in, and has it keep what it must bring back within ten minutes. next is the local path
// to go to then. Unavailable when the provider cannot be reached; NotFound without one.
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
	return i.provider.oauth(found, i.URL(r, OIDCCallback)).AuthCodeURL(f.state(), oidc.Nonce(f.nonce()), oauth2.S256ChallengeOption(f.verifier())), nil
}

var errNoProvider = peal.Errorf(peal.NotFound, "nobody signs in with OpenID here")

// FinishOIDC signs in a user who comes back from the provider, and gives where to go.
// The error is Unauthorized when what comes back is not what was asked for, Forbidden
// when the person may not enter, Unavailable when the provider cannot be reached.
func (i *Identity) FinishOIDC(w http.ResponseWriter, r *http.Request) (next string, err error) {
	if i.provider == nil {
		return "/", errNoProvider
	}
	f, ok := parseFlow(i.token(r, oidcCookie), i.now())
	i.setCookie(w, r, oidcCookie, "", time.Time{}) // whatever becomes of it: once
	query := r.URL.Query()
	if !ok || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.state())) != 1 {
		return "/", peal.Errorf(peal.Unauthorized, "the sign-in was not begun in this browser, or took too long: begin again")
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != i.provider.Issuer { // RFC 9207
		return f.next, peal.Errorf(peal.Unauthorized, "another sign-in service answered: begin again")
	}
	if code := query.Get("error"); code != "" { // RFC 6749, section 4.1.2.1
		i.log.Info("the OpenID provider let nobody in", "error", clip(code))
		return f.next, peal.Errorf(peal.Unauthorized, "the sign-in service did not let you in")
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

// person is who the provider says that somebody is.
type person struct {
	subject string    // as [peal.User] has it
	email   string    // in lower case; "" for none that the provider has verified
	role    peal.Role // that the claims stand for; "" for none
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
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 {
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
		// The address may be there only (section 5.4).
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
	return &peal.Error{Code: peal.Unauthorized, Message: "the answer of the sign-in service cannot be trusted: begin again", Err: errors.New(reason(err))}
}
