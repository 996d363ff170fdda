package front

import (
	"crypto/tls"
	"sync/atomic"

	"github.com/pealhq/peal"
)

// Certificate is the server's TLS certificate, which can be reloaded at run time.
type Certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// LoadCertificate reads a certificate chain and its key, both in PEM. The error has code
// [peal.Invalid] and names the setting.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	return c, c.Reload()
}

// Reload reads the files again. On an error the certificate stays unchanged.
func (c *Certificate) Reload() error {
	read, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return &peal.Error{Code: peal.Invalid, Field: "tls.cert", Message: "cannot be used with tls.key", Err: err}
	}
	c.current.Store(&read)
	return nil
}

// Config returns the TLS configuration of the server: TLS 1.2 or later, HTTP/2 if the client
// supports it.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
