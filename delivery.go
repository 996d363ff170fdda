package peal

import (
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DeliveryStatus is where a delivery stands: pending, and then exactly one of the others.
type DeliveryStatus string

// The statuses of a delivery.
const (
	Pending  DeliveryStatus = "pending"  // an attempt is due, now or later
	Success  DeliveryStatus = "success"  // an endpoint answered 2xx
	Failed   DeliveryStatus = "failed"   // the last attempt that the policy allows has failed
	Canceled DeliveryStatus = "canceled" // someone canceled it, or its webhook was deleted
)

// Delivery is one event for one webhook: the unit of work.
type Delivery struct {
	ID        DeliveryID
	Tenant    string
	WebhookID WebhookID
	EventKey  EventKey
	EventID   string // as in [Event.ID]
	EventType string
	Status    DeliveryStatus
	// Attempts counts the attempts on record.
	Attempts int
	// Tries counts the attempts of this round: a retry by hand begins a new round
	// of the policy, the numbers of the attempts go on.
	Tries int
	// Due is when the next attempt may start, in UTC; zero once the delivery is final.
	Due time.Time
	// StatusCode is the last attempt's HTTP status; 0 when none came.
	StatusCode int
	// Duration is how long the last attempt took.
	Duration time.Duration
	// Reason is why the last attempt failed; "" when it succeeded or there is none.
	Reason Reason
	// Test is true for a delivery made by a test of the webhook.
	Test bool
	// SettledAt is when it became final, in UTC; zero while it is pending.
	SettledAt time.Time
}

// CreatedAt is when the delivery was committed with its event, in UTC.
func (d *Delivery) CreatedAt() time.Time { return d.ID.Time() }

// Work is a delivery to be attempted, with what it delivers. Deliveries of one
// event share the Event, which nobody changes.
type Work struct {
	Delivery Delivery
	Event    *Event
	// Suspicion is the evidence that its attempt ends the process; zero for nearly every delivery.
	Suspicion Suspicion
}

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

// Limits of a retry policy.
const (
	MaxDelays     = 50                 // retries of a delivery
	MaxDelay      = 7 * 24 * time.Hour // the longest delay between two attempts
	MaxRetryAfter = 24 * time.Hour     // the longest Retry-After that is honoured
)

// RetryPolicy says when a failed delivery is tried again, and when failing so
// much disables the webhook.
type RetryPolicy struct {
	// Delays are the waits after the first attempt, the second and so on; a delivery
	// has at most len(Delays)+1 attempts. Each is 0 to [MaxDelay].
	Delays []time.Duration
	// Jitter spreads each delay evenly over ±Jitter of it, 0 to 0.5.
	Jitter float64
	// DisableAfterExhausted disables the webhook when so many deliveries in a row
	// have failed for good; 0 for never.
	DisableAfterExhausted int
	// DisableAfterFailing disables the webhook when it has failed for so long
	// without a success; 0 for never.
	DisableAfterFailing time.Duration
}

// DefaultRetryPolicy is tried ten times within about three days and disables a
// webhook that had no success for five days.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{
		Delays: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		},
		Jitter:              0.1,
		DisableAfterFailing: 5 * 24 * time.Hour,
	}
}

// Equal reports whether two policies are the same.
func (p RetryPolicy) Equal(other RetryPolicy) bool {
	return slices.Equal(p.Delays, other.Delays) && p.Jitter == other.Jitter &&
		p.DisableAfterExhausted == other.DisableAfterExhausted && p.DisableAfterFailing == other.DisableAfterFailing
}

// Validate checks the ranges. The error has code [Invalid] and a field of
// "retry_policy"; see [Faults].
func (p RetryPolicy) Validate() error {
	var faults []error
	if len(p.Delays) > MaxDelays {
		faults = append(faults, Invalidf("retry_policy.delays_seconds", "has %d delays, at most %d are allowed", len(p.Delays), MaxDelays))
	}
	for i, d := range p.Delays[:min(len(p.Delays), MaxDelays)] {
		if d < 0 || d > MaxDelay {
			faults = append(faults, Invalidf("retry_policy.delays_seconds["+itoa(i)+"]", "must be from 0 to %d", int(MaxDelay.Seconds())))
		}
	}
	if !(p.Jitter >= 0 && p.Jitter <= 0.5) {
		faults = append(faults, Invalidf("retry_policy.jitter", "must be from 0 to 0.5"))
	}
	if p.DisableAfterExhausted < 0 || p.DisableAfterExhausted > 1e6 {
		faults = append(faults, Invalidf("retry_policy.disable_after_exhausted", "must be from 0 (never) to 1000000"))
	}
	if p.DisableAfterFailing < 0 || p.DisableAfterFailing > 365*24*time.Hour {
		faults = append(faults, Invalidf("retry_policy.disable_after_seconds", "must be from 0 (never) to 31536000"))
	}
	return Faults(faults...)
}

// Next gives the wait before the attempt that follows the given number of tries
// (1 after the first), and false when there is none. A retryAfter that the
// endpoint asked for can make the wait longer, up to [MaxRetryAfter], never shorter.
func (p RetryPolicy) Next(tries int, retryAfter time.Duration) (time.Duration, bool) {
	if tries < 1 || tries > len(p.Delays) {
		return 0, false
	}
	delay := p.Delays[tries-1]
	spread := time.Duration(p.Jitter * float64(delay))
	if spread > 0 {
		delay += time.Duration(rand.Int64N(int64(2*spread)+1)) - spread
	}
	return max(delay, min(retryAfter, MaxRetryAfter)), true
}

// Longest returns the longest wait that the policy itself asks for.
func (p RetryPolicy) Longest() time.Duration {
	longest := time.Duration(0)
	for _, delay := range p.Delays {
		longest = max(longest, delay+time.Duration(p.Jitter*float64(delay)))
	}
	return longest
}

// Suspicion is the evidence that the attempt of a delivery ends the process that makes it.
// The zero Suspicion is no evidence, as for nearly every delivery.
type Suspicion struct {
	// Ends counts the processes that ended without a farewell while the delivery was due in
	// their memory, since an attempt of it last came to its end.
	Ends int
	// Strikes weighs those ends by the delivery's mark: StrikeAlone or StrikeWaiting each.
	Strikes int
}

// The weights of a process's end. They are added up.
const (
	StrikeWaiting = 1  // it waited for its endpoint's answer
	StrikeAlone   = 16 // it was attempted, and no other suspect

	alonesOut   = 2 // so many ends of a process set a delivery aside
	waitingsOut = 8
)

// Alone counts the ends while it was attempted alone.
func (s Suspicion) Alone() int { return s.Strikes / StrikeAlone }

// Waiting counts the ends while it waited for its endpoint's answer.
func (s Suspicion) Waiting() int { return s.Strikes % StrikeAlone / StrikeWaiting }

// IsConvicted reports whether the delivery is to be set aside.
func (s Suspicion) IsConvicted() bool { return s.Alone() >= alonesOut || s.Waiting() >= waitingsOut }

// Mark is what a node does with a suspect: what an end of its process counts.
type Mark int

// The marks.
const (
	MarkOff     Mark = iota // it is not attempted
	MarkAlone               // it is attempted, and no other suspect of the node
	MarkWaiting             // its attempt waits for its endpoint's answer
	MarkCleared             // its attempt has come to an end: it is no suspect any more
)
