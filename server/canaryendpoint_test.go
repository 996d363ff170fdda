package server_test

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
)

// secureEndpoint answers over TLS with all that it was sent.
func secureEndpoint(t *testing.T) (url string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		r.Header.Write(w)
	}))
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots
}

// tokenServer issues a token, or refuses and echoes the request.
func tokenServer(t *testing.T, token string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if token != "" {
			json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
			return
		}
		name, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]any{"error": "invalid_client", "error_description": strings.Join([]string{
			string(body), r.Header.Get("Authorization"), name, password, r.URL.String(),
		}, " ")})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// useEndpointSecrets adds webhooks that authenticate with a client certificate and with OAuth2
// tokens, and returns their number. The endpoints echo requests.
func useEndpointSecrets(t *testing.T, c canaries, operator *client.Client, secure string) (webhooks int) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile)
	certificate, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	c["client certificate's key"] = strings.Split(string(key), "\n")[1] // a line of it
	c["access token"] = "canary-of-the-access-token"
	target := echo(t, http.StatusInternalServerError)
	oauth2 := func(token string) *client.OAuth2Request {
		return &client.OAuth2Request{TokenURL: tokenServer(t, token) + "/token?key=" + c["query of a token URL"], ClientID: "peal", ClientSecret: c["OAuth2 client secret"]}
	}
	all := []client.WebhookRequest{
		{URL: &secure, Events: []string{"*"}, ClientCertificate: &client.ClientCertificateRequest{Certificate: string(certificate), Key: string(key)}},
		{URL: &target, Events: []string{"*"}, OAuth2: oauth2(c["access token"])},
		{URL: &target, Events: []string{"*"}, OAuth2: oauth2("")},
	}
	for _, settings := range all {
		if _, err := operator.CreateWebhook(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
	}
	return len(all)
}

// redirecting sends on to an address that holds all that it was sent.
func redirecting(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/?"+r.URL.RawQuery+"&"+r.Header.Get("X-Auth-Key")+"&"+r.Header.Get("X-Var")+"&"+r.Header.Get("X-Api-Key")+"&"+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// garbling answers with what it was sent where an answer's status belongs.
func garbling(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 "+r.URL.RawQuery+","+r.Header.Get("X-Auth-Key")+","+r.Header.Get("X-Var")+","+r.Header.Get("Authorization")+"\r\n\r\n")
	}))
	t.Cleanup(s.Close)
	return s.URL
}
