package egress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := new(authority)
	certificate := a.sign(t, template)
	a.certificate, a.key = certificate.Leaf, certificate.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// sign creates a certificate, which is self-signed as long as there is no authority.
func (a *authority) sign(t testing.TB, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// leaf is a template for 127.0.0.1 and receiver.test.
func leaf(change func(*x509.Certificate)) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "receiver"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"receiver.test"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	return template
}

// secure adds TLS to a receiver's connections.
func secure(config *tls.Config, serve func(c *conn)) func(c *conn) {
	return func(c *conn) {
		secured := tls.Server(c.Conn, config)
		defer secured.Close()
		if secured.Handshake() != nil {
			return
		}
		c.Conn = secured
		c.reader.Reset(secured)
		serve(c)
	}
}

func TestTLS(t *testing.T) {
	known, unknown := newAuthority(t), newAuthority(t)
	serving := func(certificate tls.Certificate, change func(*tls.Config)) func(c *conn) {
		config := &tls.Config{Certificates: []tls.Certificate{certificate}}
		if change != nil {
			change(config)
		}
		return secure(config, answering(accepted))
	}
	good := known.sign(t, leaf(nil))
	for name, c := range map[string]struct {
		serve  func(c *conn)
		reason peal.Reason
		says   string
	}{
		"valid":             {serving(good, nil), "", ""},
		"self-signed":       {serving(new(authority).sign(t, leaf(nil)), nil), peal.ReasonTLS, "certificate signed by unknown authority"},
		"unknown authority": {serving(unknown.sign(t, leaf(nil)), nil), peal.ReasonTLS, "certificate signed by unknown authority"},
		"expired": {serving(known.sign(t, leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), nil),
			peal.ReasonTLS, "certificate has expired"},
		"not yet valid": {serving(known.sign(t, leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })), nil),
			peal.ReasonTLS, "not yet valid"},
		"another host": {serving(known.sign(t, leaf(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 9)} })), nil),
			peal.ReasonTLS, "certificate is valid for 127.0.0.9, not 127.0.0.1"},
		"TLS 1.0 only": {serving(good, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }),
			peal.ReasonTLS, "no secure connection: "},
		"TLS 1.1 only": {serving(good, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }), peal.ReasonTLS, ""},
		"no cipher in common": {serving(good, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}), peal.ReasonTLS, "handshake failure"},
		"wants a certificate":       {serving(good, func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }), peal.ReasonTLS, ""},
		"wants a certificate, late": {serving(good, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }), peal.ReasonTLS, "certificate required"},
		"plain HTTP": {func(c *conn) { c.reader.ReadByte(); c.write("HTTP/1.1 400 Bad Request\r\n\r\n"); c.hang() },
			peal.ReasonTLS, "no secure connection: this port speaks http, not https"},
		"another protocol": {func(c *conn) { c.write("220 mail.test ESMTP ready\r\n"); c.hang() },
			peal.ReasonTLS, "first record does not look like a TLS handshake"},
		"hangs up": {func(c *conn) { c.reader.ReadByte() },
			peal.ReasonConnection, "before it was secure"},
		"resets": {func(c *conn) { c.reader.ReadByte(); c.reset() },
			peal.ReasonConnection, "before it was secure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, c.serve)
			client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })
			a := post(t, client, "https://"+r.addr+"/hook", ample)
			want(t, a, c.reason, c.says)
			if a.Address != r.addr || a.Timing.Connect <= 0 || a.Timing.TLS <= 0 {
				t.Errorf("Address is %q, timing %+v", a.Address, a.Timing)
			}
			if c.reason != "" {
				return
			}
			if again := post(t, client, "https://"+r.addr+"/hook", ample); !again.Timing.Reused {
				t.Errorf("the connection was not reused: %+v", again.Timing)
			}
		})
	}
}

// The name that a certificate is checked for is the URL's, wherever it leads.
func TestNamedTLS(t *testing.T) {
	known := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}}
	r := receive(t, secure(config, answering(accepted)))
	server := serveNames(t)
	server.set("receiver.test", "127.0.0.1")
	server.set("other.test", "127.0.0.1")
	client := newClient(t, func(o *egress.Options) { o.RootCAs, o.Resolver = known.pool(), server.resolver() })
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	a := post(t, client, "https://receiver.test:"+port+"/", ample)
	want(t, a, "")
	if a.Timing.DNS <= 0 || a.Timing.Connect <= 0 || a.Timing.TLS <= 0 {
		t.Errorf("timing is %+v", a.Timing)
	}
	want(t, post(t, client, "https://other.test:"+port+"/", ample), peal.ReasonTLS, "receiver.test, not other.test")
}

// http to a port that speaks TLS, of a server that knows what happened.
func TestPlainToTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	a := post(t, newClient(t, nil), "http://"+server.Listener.Addr().String(), ample)
	want(t, a, peal.ReasonStatus, "answered 400 Bad Request")
	if body := string(a.ResponseBody); body != "Client sent an HTTP request to an HTTPS server.\n" {
		t.Errorf("kept %q", body)
	}
}
