package egress

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
)

// Terms are what one webhook's connections need beside what all have.
type Terms struct {
	// Tenant owns the connections: no other tenant's requests go out on them.
	Tenant string
	// Certificate is what the endpoint knows the sender by; nil for none.
	Certificate *tls.Certificate
	// Pins are SHA-256 sums of public keys, of which one must stand in the chain; nil for
	// any chain that is valid.
	Pins [][32]byte
	// Secrets are hidden in whatever the endpoint writes, see [Secrets].
	Secrets []string
}

// With returns a client for the same addresses on terms of its own. Connections on some terms
// never carry the requests of others.
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

// scope returns the same text for the same terms only.
func (t *Terms) scope() string {
	if t.Certificate == nil && len(t.Pins) == 0 {
		return t.Tenant
	}
	hash := sha256.New()
	for _, pin := range t.Pins {
		fmt.Fprintf(hash, "pin %x\n", pin)
	}
	if t.Certificate != nil {
		for _, der := range t.Certificate.Certificate { // it stands for its key
			fmt.Fprintf(hash, "certificate %x\n", der)
		}
	}
	return t.Tenant + "\x00" + string(hash.Sum(nil)) // no tenant's name has this byte
}

// unpinned is a valid certificate that is not one of the pinned ones.
type unpinned struct{ presented [32]byte }

func (u unpinned) Error() string {
	return "its certificate is valid, but none of its chain is pinned; its own key is " + peal.FormatPin(u.presented)
}

// verify looks for a pin in the chains that were found valid, also when a session is
// taken up again.
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
	return unpinned{presented}
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
