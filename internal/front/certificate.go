package front

import (
	"context"
	"crypto"
	"crypto/tls"
	"io"
	"net/netip"
	"sync/atomic"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/processor"
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
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.inTurn(hello), nil
		},
	}
}

// inTurn returns the certificate with a key that signs in the turn of the client's address:
// nothing else of a handshake costs as much. (The address is the connection's own, that of
// a proxy which passes TLS on: its clients share a turn.)
func (c *Certificate) inTurn(hello *tls.ClientHelloInfo) *tls.Certificate {
	current := c.current.Load()
	signer, ok := current.PrivateKey.(crypto.Signer)
	peer, err := netip.ParseAddrPort(hello.Conn.RemoteAddr().String())
	if !ok || err != nil {
		return current
	}
	turn := processor.Shared.Turn(processor.Address(Neighbourhood(peer.Addr().Unmap())))
	mine := *current
	mine.PrivateKey = &signerInTurn{Signer: signer, ctx: hello.Context(), turn: turn}
	return &mine
}

// signerInTurn signs when its turn has come.
type signerInTurn struct {
	crypto.Signer
	ctx  context.Context // of the handshake
	turn *processor.Turn
}

// Sign waits for the turn and signs.
func (s *signerInTurn) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if err := s.turn.Enter(s.ctx); err != nil {
		return nil, err
	}
	defer s.turn.Leave()
	return s.Signer.Sign(random, digest, options)
}
