package peal

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// MaxResponseBody is how much of a response's body is kept, in bytes.
const MaxResponseBody = 16 << 10

// MaxResponseHead is how much of a response's headers is kept, in bytes.
const MaxResponseHead = 8 << 10

// Attempt is one HTTP request of a delivery and what came back. It is written once
// and never changed.
type Attempt struct {
	ID         AttemptID
	DeliveryID DeliveryID
	// Number is 1 for the delivery's first attempt.
	Number int
	// StartedAt is when the request was begun, in UTC.
	StartedAt time.Time
	// Timing is where its time went.
	Timing Timing
	// Reason is why it failed; "" for success.
	Reason Reason
	// Error is the failure's own words, without the webhook's secrets; "" for success.
	Error string
	// URL is where the request went, as [RedactURL] shows it.
	URL string
	// Address is the IP address and port that answered or refused; "" when none was reached.
	Address string
	// RequestHead is the request's headers as they were sent, without the values of those that the
	// webhook's settings hide.
	RequestHead Head
	// BodySize is the length of the request's body in bytes.
	BodySize int
	// StatusCode is the answer's HTTP status; 0 when none came.
	StatusCode int
	// ResponseHead is the answer's headers, at most MaxResponseHead bytes.
	ResponseHead Head
	// ResponseBody is the answer's body, at most MaxResponseBody bytes: without Content-Encoding gzip or
	// deflate, and in UTF-8 where it declared another charset.
	ResponseBody []byte
	// ResponseTruncated is true when the body was longer than what is kept.
	ResponseTruncated bool
}

// Succeeded reports whether the endpoint took the delivery.
func (a *Attempt) Succeeded() bool { return a.Reason == "" }

// Timing is where an attempt's time went. The steps that did not happen (a
// connection was reused, no name was looked up) are 0.
type Timing struct {
	Wait      time.Duration // from due to started: in the lane, or at the rate limit
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration // from the request written to the first byte of the answer
	Total     time.Duration // from started to the end
	Reused    bool          // the connection had been used before
}

// Head is the headers of a message: a line "Name: value" each, ended by "\n".
type Head string

// Fields gives the headers as pairs, in order.
func (h Head) Fields() [][2]string {
	var fields [][2]string
	for line := range strings.Lines(string(h)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		fields = append(fields, [2]string{name, value})
	}
	return fields
}

// Reason is why an attempt failed, from a closed list: the label of metrics and
// the key of the sentence that [Reason.Remedy] gives.
type Reason string

// The reasons.
const (
	ReasonStatus      Reason = "status"      // it answered with something else than 2xx or 3xx
	ReasonRedirect    Reason = "redirect"    // it answered 3xx; redirects are not followed
	ReasonTimeout     Reason = "timeout"     // no complete answer within the webhook's timeout
	ReasonDNS         Reason = "dns"         // its name does not resolve
	ReasonRefused     Reason = "refused"     // nothing listens at its address
	ReasonUnreachable Reason = "unreachable" // no way to its address
	ReasonTLS         Reason = "tls"         // no secure connection: certificate or protocol
	ReasonBlocked     Reason = "blocked"     // its address is one that the operator does not allow
	ReasonProxy       Reason = "proxy"       // the operator's outgoing proxy did not take it
	ReasonToken       Reason = "token"       // its token server gave no token
	ReasonConnection  Reason = "connection"  // the connection broke before the answer was complete
	ReasonProtocol    Reason = "protocol"    // what came back is no HTTP answer, or its head is too large
	ReasonEncode      Reason = "encode"      // the request could not be made from this event
	ReasonCanceled    Reason = "canceled"    // Peal stopped in the middle of the attempt
	ReasonOther       Reason = "other"       // none of the above; the attempt's Error says what
	ReasonPoison      Reason = "poison"      // its attempts ended the process: the delivery is set aside
)

var remedies = map[Reason]string{
	ReasonStatus:      "The endpoint answered with an error status. Its own log says why; it must answer 2xx once it has taken the event.",
	ReasonRedirect:    "The endpoint answered with a redirect, which is never followed. Set the webhook's URL to where it points.",
	ReasonTimeout:     "The endpoint did not answer completely in time. It should take the event, answer 2xx at once and do its work afterwards.",
	ReasonDNS:         "The endpoint's host name does not resolve. Check the URL's spelling and the name's DNS records.",
	ReasonRefused:     "Nothing listens at the endpoint's address and port. Start the receiver, or correct the URL's port.",
	ReasonUnreachable: "There is no network path to the endpoint. Check its address, its firewall and its routing.",
	ReasonTLS:         "No secure connection could be made. Check that the endpoint's certificate is valid for its host name, complete with its chain, and not expired.",
	ReasonBlocked:     "The endpoint's address is private or not allowed here. Use a public address, or ask the operator to allow this one.",
	ReasonProxy:       "The sender's own outgoing proxy cannot be reached or does not let the sender in. Only the operator can mend that; nothing is wrong with the endpoint.",
	ReasonToken:       "The token server of the webhook's oauth2 gave no token. Check its URL, the client's id and secret, and the scopes.",
	ReasonConnection:  "The connection broke before the answer was complete. Check the receiver and any proxy before it for crashes and limits.",
	ReasonProtocol:    "What came back is no HTTP answer that can be read. Check that the URL's port speaks HTTP and the right one of http and https.",
	ReasonEncode:      "The request could not be made from this event with the webhook's settings. Correct its format, transform or variables.",
	ReasonCanceled:    "The sender was stopped in the middle of the attempt; the delivery is tried again.",
	ReasonOther:       "The attempt failed in a way that has no name here; its error text says how.",
	ReasonPoison:      "The sender's process ended each time that it attempted this delivery, so it is set aside. The operator should look for the reason in the sender's log (out of memory, a fault of the program) and at the webhook's transform and format; after that, retry the delivery by hand.",
}

// Remedy tells the owner of the endpoint what to do, in plain sentences; "" for "".
func (r Reason) Remedy() string { return remedies[r] }

// Reasons lists every reason that an attempt can have.
func Reasons() []Reason {
	return slices.Clone(knownReasons[:])
}

// shared is the address space between providers and their customers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// AddressFor returns the address for an operator or for others. Where names lead inside the
// operator's network is the operator's to see: others get "" for an address that is not
// public, unless the URL itself names it.
func (a *Attempt) AddressFor(operator bool) string {
	at, err := netip.ParseAddrPort(a.Address)
	if operator || err != nil {
		return a.Address
	}
	addr := at.Addr().Unmap()
	if addr.IsGlobalUnicast() && !addr.IsPrivate() && !shared.Contains(addr) {
		return a.Address
	}
	if u, err := url.Parse(a.URL); err == nil {
		if named, err := netip.ParseAddr(u.Hostname()); err == nil && named.Unmap() == addr {
			return a.Address
		}
	}
	return ""
}
