package server_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

const (
	oidcClient = "peal-of-the-tests"
	oidcSecret = "canary-of-the-oidc-secret"
)

// openID is an OpenID provider that signs tokens, for one person who is signed in there.
type openID struct {
	*httptest.Server
	key, sign *rsa.PrivateKey // the one that it publishes, and the one that it uses

	mu     sync.Mutex
	codes  map[string]url.Values       // the requests for which codes were given
	change func(claims map[string]any) // changes what the tokens say
	info   map[string]any              // the answer of /userinfo
	given  []string                    // codes and tokens that it issued
}

func newOpenID(t *testing.T) *openID {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &openID{key: key, sign: key, codes: make(map[string]url.Values)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": base64url(p.key.N.Bytes()), "e": base64url(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, p.info) })
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func answerJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

func base64url(bytes []byte) string { return base64.RawURLEncoding.EncodeToString(bytes) }

// authorize issues a code for the person who is signed in at the provider.
func (p *openID) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != oidcClient || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") == "" {
		http.Error(w, "what a request?", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code], p.given = q, append(p.given, code)
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode(), http.StatusFound)
}

// token issues an ID token for a code, once, to a client with its verifier and the secret.
func (p *openID) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	asked, code := p.codes[r.PostFormValue("code")], r.PostFormValue("code")
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if id != oidcClient || secret != oidcSecret || asked == nil || asked.Get("code_challenge") != base64url(challenge[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	delete(p.codes, code)
	claims := map[string]any{
		"iss": p.URL, "aud": oidcClient, "sub": "248289761001", "nonce": asked.Get("nonce"), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"email": "Ann@Example.com", "email_verified": true,
	}
	if p.change != nil {
		p.change(claims)
	}
	text, _ := json.Marshal(claims)
	signed := base64url([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + base64url(text)
	hash := sha256.Sum256([]byte(signed))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, p.sign, crypto.SHA256, hash[:])
	token, access := signed+"."+base64url(signature), rand.Text()
	p.given = append(p.given, token, access)
	answerJSON(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": token})
}
