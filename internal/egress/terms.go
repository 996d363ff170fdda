package egress

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
)

// Terms are the settings of one webhook's connections.
type Terms struct {
	// Tenant owns the connections: they carry no requests of other tenants.
	Tenant string
	// Certificate is the client certificate; nil for none.
	Certificate *tls.Certificate
	// Pins are SHA-256 sums of public keys, one of which must be in the chain; nil to accept any
	// valid chain.
	Pins [][32]byte
	// Secrets are hidden in everything that the endpoint sends, see [Secrets].
	Secrets []string
}

// With returns a client with the same core and other terms. Clients with different terms never
// share connections.
func (c *Client) With(terms Terms) *Client {
	made := &Client{core: c.core, scope: terms.scope(), tls: c.tls, gate: gate.New(terms.Secrets...)}
	if terms.Certificate != nil || len(terms.Pins) > 0 {
		made.tls = c.tls.Clone()
		if terms.Certificate != nil {
			made.tls.Certificates = []tls.Certificate{*terms.Certificate}
		}
		if len(terms.Pins) > 0 {
			made.tls.VerifyConnection = terms.verify
		}
	}
	return made
}

// scope returns a text that is equal only for equal terms.
func (t *Terms) scope() string {
	if t.Certificate == nil && len(t.Pins) == 0 {
		return t.Tenant
	}
	hash := sha256.New()
	for _, pin := range t.Pins {
		fmt.Fprintf(hash, "pin %x\n", pin)
	}
	if t.Certificate != nil {
		for _, der := range t.Certificate.Certificate { // identifies its key
			fmt.Fprintf(hash, "certificate %x\n", der)
		}
	}
	return t.Tenant + "\x00" + string(hash.Sum(nil)) // no tenant's name contains this byte
}

// pinMismatch is the error for a valid certificate that is not pinned.
type pinMismatch struct{ presented [32]byte }

func (u pinMismatch) Error() string {
	return "its certificate is valid, but none of its chain is pinned; its own key is " + peal.FormatPin(u.presented)
}

// verify looks for a pin in the verified chains, also on session resumption.
func (t *Terms) verify(state tls.ConnectionState) error {
	for _, chain := range state.VerifiedChains {
		for _, certificate := range chain {
			if t.pins(certificate) {
				return nil
			}
		}
	}
	var presented [32]byte
	if len(state.PeerCertificates) > 0 {
		presented = sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	}
	return pinMismatch{presented}
}

func (t *Terms) pins(certificate *x509.Certificate) bool {
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	for _, pin := range t.Pins {
		if pin == sum {
			return true
		}
	}
	return false
}
