package dispatch_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// identity creates a self-signed certificate for 127.0.0.1.
func identity(t *testing.T, life time.Duration) (pair tls.Certificate, certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	if pair, err = tls.X509KeyPair([]byte(certificate), []byte(key)); err != nil {
		t.Fatal(err)
	}
	return pair, certificate, key
}

// secureWorld is an engine on the real loopback, with an endpoint that has a certificate.
type secureWorld struct {
	*world
	engine *dispatch.Engine
	server *httptest.Server
	log    *bytes.Buffer
}

func newSecureWorld(t *testing.T, life time.Duration, config *tls.Config, serve http.HandlerFunc) *secureWorld {
	t.Helper()
	s := &secureWorld{world: newWorld(t), log: new(bytes.Buffer)}
	pair, _, _ := identity(t, life)
	s.server = httptest.NewUnstartedServer(serve)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	config.Certificates = []tls.Certificate{pair}
	s.server.TLS = config
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	var err error
	options := dispatch.DefaultOptions()
	options.Egress = options.Egress.Development()
	options.Egress.RootCAs = pool
	options.Log = slog.New(slog.NewTextHandler(s.log, nil))
	if s.engine, err = dispatch.New(s.store, options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// try saves a webhook to the endpoint and sends it a test.
func (s *secureWorld) try(change func(*peal.Webhook)) (peal.WebhookID, peal.Attempt) {
	s.t.Helper()
	standard, _ := s.engine.Format("standard")
	hook := peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: tenant, URL: s.server.URL + "/hook", Events: []string{"*"}, Format: "standard",
		Secrets: []peal.Secret{{Value: standard.NewSecret()}}, Timeout: time.Minute, Status: peal.Active, UpdatedAt: time.Now().UTC(),
	}
	change(&hook)
	if err := s.engine.CheckWebhook(&hook); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.store.CreateWebhook(s.ctx, hook); err != nil {
		s.t.Fatal(err)
	}
	_, attempt, err := s.engine.Test(s.ctx, tenant, hook.ID, "task.created", []byte(`{}`))
	if err != nil {
		s.t.Fatal(err)
	}
	return hook.ID, attempt
}

func (s *secureWorld) want(attempt peal.Attempt, reason peal.Reason, words string) {
	s.t.Helper()
	if attempt.Reason != reason || !strings.Contains(attempt.Error, words) {
		s.t.Errorf("ended with %q: %s; want %q and %q", attempt.Reason, attempt.Error, reason, words)
	}
}

func TestClientCertificate(t *testing.T) {
	names := make(chan string, 1)
	s := newSecureWorld(t, time.Hour, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(_ http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
		names <- fmt.Sprintf("%x", sum)
	})
	_, none := s.try(func(*peal.Webhook) {})
	s.want(none, peal.ReasonTLS, "certificate required")
	for range 2 { // two webhooks with a certificate each, to the same endpoint
		pair, certificate, key := identity(t, time.Hour)
		_, good := s.try(func(w *peal.Webhook) {
			w.ClientCertificate = &peal.ClientCertificate{Certificate: certificate, Key: peal.Secret{Value: key}}
		})
		s.want(good, "", "")
		if got, want := <-names, fmt.Sprintf("%x", sha256.Sum256(pair.Leaf.Raw)); got != want {
			t.Error("another webhook's certificate was shown")
		}
	}
}

func TestPins(t *testing.T) {
	s := newSecureWorld(t, time.Hour, new(tls.Config), func(http.ResponseWriter, *http.Request) {})
	own := peal.FormatPin(sha256.Sum256(s.server.Certificate().RawSubjectPublicKeyInfo))
	other := peal.FormatPin(sha256.Sum256([]byte("another key")))
	_, good := s.try(func(w *peal.Webhook) { w.Pins = []string{other, own} })
	s.want(good, "", "")
	_, bad := s.try(func(w *peal.Webhook) { w.Pins = []string{other} })
	s.want(bad, peal.ReasonTLS, own)
}

func TestExpiringCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		life time.Duration
		warn bool
	}{
		"a day":     {24 * time.Hour, true},
		"13 days":   {13 * 24 * time.Hour, true},
		"two weeks": {14*24*time.Hour + time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{}, 10)
			s := newSecureWorld(t, c.life, new(tls.Config), func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} })
			id, _ := s.try(func(*peal.Webhook) {})
			if err := s.engine.Refresh(s.ctx); err != nil {
				t.Fatal(err)
			}
			<-arrived
			if _, err := s.engine.Publish(s.ctx, tenant, peal.Event{Type: "task.created", Data: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
			<-arrived
			s.await(func() bool {
				deliveries, err := s.store.Deliveries(s.ctx, peal.DeliveryQuery{Tenant: tenant, Status: peal.Success, Limit: 10})
				if err != nil {
					t.Fatal(err)
				}
				hook, err := s.store.Webhook(s.ctx, tenant, id)
				if err != nil {
					t.Fatal(err)
				}
				warned := len(s.engine.Warnings(s.ctx, &hook)) > 0
				if warned && (!c.warn || !hook.Health.CertificateExpiresAt.Equal(s.server.Certificate().NotAfter)) {
					t.Fatalf("warned: %v, expires %v", s.engine.Warnings(s.ctx, &hook), hook.Health.CertificateExpiresAt)
				}
				return len(deliveries) == 2 && warned == c.warn
			})
		})
	}
}

// await waits until something is so.
func (s *secureWorld) await(done func() bool) {
	s.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-s.t.Context().Done():
			s.t.Fatal("it never was")
		}
	}
}

func TestOAuth2(t *testing.T) {
	var asked, refuse atomic.Int32
	var current atomic.Value
	life := atomic.Int32{}
	life.Store(3600)
	s := newSecureWorld(t, time.Hour, new(tls.Config), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			id, secret, _ := r.BasicAuth()
			if id != "peal" || secret != "hunter2" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "hooks" {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(401)
				fmt.Fprint(w, `{"error":"invalid_client","error_description":"hunter3"}`)
				return
			}
			token := fmt.Sprintf("token-%d", asked.Add(1))
			current.Store(token)
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":%d}`, token, life.Load())
			return
		}
		if refuse.Load() > 0 || r.Header.Get("Authorization") != fmt.Sprint("Bearer ", current.Load()) {
			w.WriteHeader(401)
		}
	})
	oauth2 := func(w *peal.Webhook) {
		w.OAuth2 = &peal.OAuth2{TokenURL: s.server.URL + "/token", ClientID: "peal", ClientSecret: peal.Secret{Value: "hunter2"}, Scopes: []string{"hooks"}}
	}
	id, first := s.try(oauth2)
	s.want(first, "", "")
	again := func() peal.Attempt {
		_, attempt, err := s.engine.Test(s.ctx, tenant, id, "task.created", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		return attempt
	}
	s.want(again(), "", "")
	if n := asked.Load(); n != 1 {
		t.Errorf("asked for a token %d times, one is good for an hour", n)
	}
	if head := string(first.RequestHead); !strings.Contains(head, "Authorization: [redacted]\n") || strings.Contains(head, "token-") {
		t.Errorf("kept the head\n%s", head)
	}

	current.Store("taken back") // a refused token is renewed once, within the attempt
	s.want(again(), "", "")
	refuse.Store(1)
	s.want(again(), peal.ReasonStatus, "answered 401")
	if n := asked.Load(); n != 3 {
		t.Errorf("asked for a token %d times in all, want 3", n)
	}

	_, wrong := s.try(func(w *peal.Webhook) { oauth2(w); w.OAuth2.ClientSecret.Value = "hunter3" })
	s.want(wrong, peal.ReasonToken, "no token: the token server answered 401 invalid_client")
	if strings.Contains(wrong.Error, "hunter3") {
		t.Errorf("tells the secret: %s", wrong.Error)
	}
	_, gone := s.try(func(w *peal.Webhook) { oauth2(w); w.OAuth2.TokenURL = "https://127.0.0.1:1/token" })
	s.want(gone, peal.ReasonToken, "no token: connection refused")
	refuse.Store(0)
	life.Store(0) // expires at once: each attempt asks again
	before := asked.Load()
	id, _ = s.try(func(w *peal.Webhook) { oauth2(w); w.OAuth2.TokenURL += "?" })
	s.want(again(), "", "")
	if n := asked.Load() - before; n != 1 { // a token without a lifetime is valid for a while
		t.Errorf("asked %d times", n)
	}
	life.Store(1)
	_, _ = s.try(func(w *peal.Webhook) { oauth2(w); w.OAuth2.TokenURL += "?short" })
	if strings.Contains(s.log.String(), "hunter") {
		t.Errorf("the log tells a secret:\n%s", s.log)
	}
}
