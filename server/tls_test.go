package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

// writeCertificate creates a self-signed certificate for 127.0.0.1, and returns its serial number.
func writeCertificate(t *testing.T, certFile, keyFile string) int64 {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial := time.Now().UnixNano()
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return serial
}

// TestTLS serves with a certificate, takes over a new one, and keeps the old one when the
// new one is broken.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := writeCertificate(t, certFile, keyFile)
	options := server.DefaultOptions()
	options.Listen, options.Data, options.TLSCert, options.TLSKey = "127.0.0.1:0", filepath.Join(dir, "data"), certFile, keyFile
	s, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(t.Context())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		// The test compares the certificate itself, which is self-signed.
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		response, err := client.Get(s.URL(s.Addr()) + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != 200 || response.ProtoMajor != 2 {
			t.Errorf("answered %s %s", response.Proto, response.Status)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != first {
		t.Errorf("the certificate is %d, not %d", got, first)
	}
	second := writeCertificate(t, certFile, keyFile)
	if err := s.ReloadCertificate(); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != second {
		t.Errorf("the certificate is %d, not %d", got, second)
	}
	if err := os.WriteFile(certFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.ReloadCertificate(); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a broken file gives %v", err)
	}
	if got := serial(); got != second {
		t.Errorf("after a broken file the certificate is %d, not %d", got, second)
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if conn, err := tls.Dial("tcp", s.Addr(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestTLSNeedsBothFiles(t *testing.T) {
	options := server.DefaultOptions()
	options.Data, options.TLSCert = t.TempDir(), "cert.pem"
	if err := options.Validate(); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("half of a pair gives %v", err)
	}
	options.TLSKey = "key.pem"
	if _, err := server.New(t.Context(), options); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("files that are not there give %v", err)
	}
}
