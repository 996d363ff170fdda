package egress

import (
	"container/list"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"sync"

	"github.com/pealhq/peal"
)

// Terms are what one webhook's secure connections need beside what all have.
type Terms struct {
	// Certificate is what the endpoint knows the sender by; nil for none.
	Certificate *tls.Certificate
	// Pins are SHA-256 sums of public keys, of which one must stand in the chain; nil for
	// any chain that is valid.
	Pins [][32]byte
}

// maxApart is how many clients of webhooks with terms of their own are kept.
const maxApart = 1000

// apart keeps the clients of webhooks that have terms, by these: connections of one
// must never carry the requests of another.
type apart struct {
	mu    sync.Mutex
	known map[[32]byte]*list.Element // of *apartClient
	order list.List                  // last asked for first
}

type apartClient struct {
	key    [32]byte
	client *Client
}

func newApart() *apart { return &apart{known: make(map[[32]byte]*list.Element)} }

// With gives a client for the same addresses with terms of its own; c itself when
// there are none. Close of c closes it too.
func (c *Client) With(terms Terms) *Client {
	if terms.Certificate == nil && len(terms.Pins) == 0 {
		return c
	}
	key := terms.key()
	c.apart.mu.Lock()
	defer c.apart.mu.Unlock()
	if found, ok := c.apart.known[key]; ok {
		c.apart.order.MoveToFront(found)
		return found.Value.(*apartClient).client
	}
	made := &Client{
		guard: c.guard, proxy: c.proxy, resolver: c.resolver, direct: c.direct, apart: newApart(),
		kept: terms.transport(c.kept), fresh: terms.transport(c.fresh),
	}
	c.apart.known[key] = c.apart.order.PushFront(&apartClient{key, made})
	if c.apart.order.Len() > maxApart {
		oldest := c.apart.order.Remove(c.apart.order.Back()).(*apartClient)
		delete(c.apart.known, oldest.key)
		oldest.client.kept.CloseIdleConnections()
	}
	return made
}

func (a *apart) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for e := a.order.Front(); e != nil; e = e.Next() {
		client := e.Value.(*apartClient).client
		client.kept.CloseIdleConnections()
		client.fresh.CloseIdleConnections()
	}
}

func (t *Terms) key() [32]byte {
	hash := sha256.New()
	for _, pin := range t.Pins {
		fmt.Fprintf(hash, "pin %x\n", pin)
	}
	if t.Certificate != nil {
		for _, der := range t.Certificate.Certificate { // it stands for its key
			fmt.Fprintf(hash, "certificate %x\n", der)
		}
	}
	return [32]byte(hash.Sum(nil))
}

// transport makes one like another, with connections of its own.
func (t *Terms) transport(like *http.Transport) *http.Transport {
	made := like.Clone()
	if t.Certificate != nil {
		made.TLSClientConfig.Certificates = []tls.Certificate{*t.Certificate}
	}
	if len(t.Pins) > 0 {
		made.TLSClientConfig.VerifyConnection = t.verify
	}
	return made
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
