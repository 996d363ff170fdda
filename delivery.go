package peal

import (
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal/internal/message"
)

// DeliveryStatus is the status of a delivery: pending, and then exactly one of the others.
type DeliveryStatus string

// The statuses of a delivery.
const (
	Pending  DeliveryStatus = "pending"  // an attempt is due, now or later
	Success  DeliveryStatus = "success"  // an endpoint answered 2xx
	Failed   DeliveryStatus = "failed"   // the last attempt allowed by the policy has failed
	Canceled DeliveryStatus = "canceled" // somebody canceled it, or its webhook was deleted
)

// Delivery is the delivery of one event to one webhook.
type Delivery struct {
	ID        DeliveryID
	Tenant    string
	WebhookID WebhookID
	EventKey  EventKey
	EventID   string // as in [Event.ID]
	EventType string
	Status    DeliveryStatus
	// Attempts is the number of recorded attempts.
	Attempts int
	// Tries is the number of attempts in this round: a manual retry starts a new round of
	// the policy, while the numbers of attempts continue.
	Tries int
	// Due is the earliest start of the next attempt, in UTC; zero once the delivery is final.
	Due time.Time
	// StatusCode is the HTTP status of the last response; 0 when there was none.
	StatusCode int
	// Duration is the duration of the last attempt.
	Duration time.Duration
	// Reason is why the last attempt failed; "" when it succeeded or there is none.
	Reason Reason
	// Test reports whether the delivery is a test of the webhook.
	Test bool
	// SettledAt is when the delivery became final, in UTC; zero while it is pending.
	SettledAt time.Time
}

// CreatedAt returns when the delivery was committed with its event, in UTC.
func (d *Delivery) CreatedAt() time.Time { return d.ID.Time() }

// ClaimedDelivery is a delivery to attempt, with its event. Deliveries of one event share the
// Event, which must not be changed.
type ClaimedDelivery struct {
	Delivery Delivery
	Event    *Event
	// Suspicion is the evidence that its attempt ends the process; zero for nearly every delivery.
	Suspicion Suspicion
}

// MaxResponseBody is the number of bytes stored of a response's body.
const MaxResponseBody = 16 << 10

// MaxResponseHead is the number of bytes stored of a response's headers.
const MaxResponseHead = 8 << 10

// Attempt is one HTTP request of a delivery and its response. It is written once and never
// changed.
type Attempt struct {
	ID         AttemptID
	DeliveryID DeliveryID
	// Number is 1 for the delivery's first attempt.
	Number int
	// StartedAt is when the request started, in UTC.
	StartedAt time.Time
	// Timing is the duration of its steps.
	Timing AttemptTiming
	// Reason is why it failed; "" for success.
	Reason Reason
	// Error is the text of the failure, without the webhook's secrets; "" for success.
	Error string
	// URL is the URL of the request, redacted by [RedactURL].
	URL string
	// Address is the IP address and port that answered or refused; "" when none was reached.
	Address string
	// RequestHead is the headers of the request as sent, without the values of those that
	// the webhook's settings hide.
	RequestHead HeaderLines
	// BodySize is the length of the request's body in bytes.
	BodySize int
	// StatusCode is the HTTP status of the response; 0 when there was none.
	StatusCode int
	// ResponseHead is the headers of the response, at most MaxResponseHead bytes.
	ResponseHead HeaderLines
	// ResponseBody is the body of the response, at most MaxResponseBody bytes. A gzip or
	// deflate Content-Encoding is decoded, and another declared charset converted to UTF-8.
	ResponseBody []byte
	// ResponseTruncated reports whether the body was longer than ResponseBody.
	ResponseTruncated bool
}

// Succeeded reports whether the endpoint accepted the delivery.
func (a *Attempt) Succeeded() bool { return a.Reason == "" }

// AttemptTiming is the duration of an attempt's steps. A step that did not happen, such as
// connecting when a connection was reused, is 0.
type AttemptTiming struct {
	Wait      time.Duration // from due to started: in the lane, or for the rate limit
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration // from the written request to the first byte of the response
	Total     time.Duration // from the start to the end
	Reused    bool          // the connection had been used before
}

// HeaderLines is the headers of a message: one line "Name: value" for each, ending with "\n".
type HeaderLines string

// Fields returns the headers as pairs of name and value, in order.
func (h HeaderLines) Fields() [][2]string {
	var fields [][2]string
	for line := range strings.Lines(string(h)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		fields = append(fields, [2]string{name, value})
	}
	return fields
}

// Reason is why an attempt failed, from a closed list. Metrics use it as a label, and
// [Reason.Remedy] has a sentence for each.
type Reason string

// The reasons.
const (
	ReasonStatus      Reason = "status"      // the status is neither 2xx nor 3xx
	ReasonRedirect    Reason = "redirect"    // the status is 3xx; redirects are not followed
	ReasonTimeout     Reason = "timeout"     // no complete response within the webhook's timeout
	ReasonDNS         Reason = "dns"         // the endpoint's name does not resolve
	ReasonRefused     Reason = "refused"     // nothing listens at its address
	ReasonUnreachable Reason = "unreachable" // no route to its address
	ReasonTLS         Reason = "tls"         // no secure connection: certificate or protocol
	ReasonBlocked     Reason = "blocked"     // the operator does not allow its address
	ReasonProxy       Reason = "proxy"       // the operator's outgoing proxy failed or refused
	ReasonToken       Reason = "token"       // the webhook's token server did not return a token
	ReasonConnection  Reason = "connection"  // the connection broke before the response was complete
	ReasonProtocol    Reason = "protocol"    // the response is not valid HTTP, or its head is too large
	ReasonEncode      Reason = "encode"      // the request could not be created from this event
	ReasonCanceled    Reason = "canceled"    // Peal stopped during the attempt
	ReasonOther       Reason = "other"       // none of the above; see the attempt's Error
	ReasonPoison      Reason = "poison"      // its attempts ended the process: the delivery is set aside
)

var remedies = map[Reason]string{
	ReasonStatus:      "The endpoint answered with an error status. Its own log shows why; it must answer 2xx once it has accepted the event.",
	ReasonRedirect:    "The endpoint answered with a redirect, which is never followed. Set the webhook's URL to where it points.",
	ReasonTimeout:     "The endpoint did not answer completely in time. It should accept the event, answer 2xx at once and do its work afterwards.",
	ReasonDNS:         "The endpoint's host name does not resolve. Check the URL's spelling and the name's DNS records.",
	ReasonRefused:     "Nothing listens at the endpoint's address and port. Start the receiver, or correct the URL's port.",
	ReasonUnreachable: "There is no network path to the endpoint. Check its address, its firewall and its routing.",
	ReasonTLS:         "No secure connection could be made. Check that the endpoint's certificate is valid for its host name, complete with its chain, and not expired.",
	ReasonBlocked:     "The endpoint's address is private or not allowed here. Use a public address, or ask the operator to allow this one.",
	ReasonProxy:       "The sender's own outgoing proxy cannot be reached or refuses the sender. Only the operator can fix that; nothing is wrong with the endpoint.",
	ReasonToken:       "The token server of the webhook's oauth2 did not return a token. Check its URL, the client's id and secret, and the scopes.",
	ReasonConnection:  "The connection broke before the answer was complete. Check the receiver and any proxy before it for crashes and limits.",
	ReasonProtocol:    "The response is not valid HTTP. Check that the URL's port speaks HTTP, and that http or https is right for it.",
	ReasonEncode:      "The request could not be created from this event with the webhook's settings. Correct its format, transform or variables.",
	ReasonCanceled:    "The sender was stopped in the middle of the attempt; the delivery is tried again.",
	ReasonOther:       "The attempt failed for an unlisted reason; its error text describes it.",
	ReasonPoison:      "The sender's process ended each time that it attempted this delivery, so it is set aside. The operator should look for the reason in the sender's log (out of memory, a fault of the program) and at the webhook's transform and format; after that, retry the delivery manually.",
}

// Remedy returns advice for the owner of the endpoint, in plain sentences; "" for "".
func (r Reason) Remedy() string { return remedies[r] }

// knownReasons are in the order of [DeliveryCounts.Failures]. New ones go to the end; see
// DeliveryCounts.values.
var knownReasons = [...]Reason{
	ReasonStatus, ReasonRedirect, ReasonTimeout, ReasonDNS, ReasonRefused, ReasonUnreachable, ReasonTLS,
	ReasonBlocked, ReasonProxy, ReasonToken, ReasonConnection, ReasonProtocol, ReasonEncode, ReasonCanceled, ReasonOther,
	ReasonPoison,
}

// Reasons returns all reasons that an attempt can have.
func Reasons() []Reason { return slices.Clone(knownReasons[:]) }

// shared is the address space shared by providers and their customers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// AddressFor returns the address as an operator or somebody else may see it. Only operators
// may see the addresses of names in their internal network: for others, it returns "" for an
// address that is not public, unless the URL itself contains it.
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
	maxRetryDelays = 50                 // retries of a delivery
	maxRetryDelay  = 7 * 24 * time.Hour // the longest delay between two attempts
	MaxRetryAfter  = 24 * time.Hour     // the longest Retry-After that is honoured
)

// RetryPolicy determines when a failed delivery is retried, and when failures disable the
// webhook.
type RetryPolicy struct {
	// Delays are the delays after the first attempt, the second and so on; a delivery has at
	// most len(Delays)+1 attempts. Each is at most 7 days.
	Delays []time.Duration
	// Jitter varies each delay evenly by up to ±Jitter of it, 0 to 0.5.
	Jitter float64
	// DisableAfterExhausted is the number of consecutive deliveries failing for good that
	// disables the webhook; 0 for never.
	DisableAfterExhausted int
	// DisableAfterFailing is the time of failing without a success that disables the
	// webhook; 0 for never.
	DisableAfterFailing time.Duration
}

// DefaultRetryPolicy returns a policy of ten attempts within about three days, which disables
// a webhook without a success for five days.
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
// "retry_policy"; see [FaultsOf].
func (p RetryPolicy) Validate() error {
	var faults []error
	if len(p.Delays) > maxRetryDelays {
		faults = append(faults, Fault("retry_policy.delays_seconds", message.TooManyDelays, len(p.Delays), maxRetryDelays))
	}
	for i, d := range p.Delays[:min(len(p.Delays), maxRetryDelays)] {
		if d < 0 || d > maxRetryDelay {
			faults = append(faults, Fault("retry_policy.delays_seconds["+itoa(i)+"]", message.Range, 0, int(maxRetryDelay.Seconds())))
		}
	}
	if !(p.Jitter >= 0 && p.Jitter <= 0.5) {
		faults = append(faults, Fault("retry_policy.jitter", message.JitterRange))
	}
	if p.DisableAfterExhausted < 0 || p.DisableAfterExhausted > 1e6 {
		faults = append(faults, Fault("retry_policy.disable_after_exhausted", message.DisableAfterRange))
	}
	if p.DisableAfterFailing < 0 || p.DisableAfterFailing > 365*24*time.Hour {
		faults = append(faults, Fault("retry_policy.disable_after_seconds", message.DisableTimeRange))
	}
	return JoinFaults(faults...)
}

// Next returns the delay before the attempt that follows the given number of tries (1 after
// the first), or false when there is none. The endpoint's retryAfter can only lengthen the
// delay, and counts up to [MaxRetryAfter].
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

// Longest returns the longest delay of the policy, including jitter.
func (p RetryPolicy) Longest() time.Duration {
	longest := time.Duration(0)
	for _, delay := range p.Delays {
		longest = max(longest, delay+time.Duration(p.Jitter*float64(delay)))
	}
	return longest
}

// Suspicion is the evidence that attempting a delivery ends the process. It is zero, without
// evidence, for nearly every delivery.
type Suspicion struct {
	// Ends counts the processes that ended without a farewell while the delivery was due in
	// their memory, since an attempt of it last finished.
	Ends int
	// Strikes is the weighted sum of those ends: StrikeAlone or StrikeWaiting each, by the
	// delivery's mark.
	Strikes int
}

// The weights of a process's end, which add up.
const (
	StrikeWaiting = 1  // the attempt was waiting for its endpoint's answer
	StrikeAlone   = 16 // the delivery was attempted, and no other suspect

	alonesOut   = 2 // ends of a process that set a delivery aside
	waitingsOut = 8
)

// alone returns the number of ends while the delivery was attempted alone.
func (s Suspicion) alone() int { return s.Strikes / StrikeAlone }

// Waiting returns the number of ends while the attempt waited for its endpoint's answer.
func (s Suspicion) Waiting() int { return s.Strikes % StrikeAlone / StrikeWaiting }

// IsConvicted reports whether the delivery must be set aside.
func (s Suspicion) IsConvicted() bool { return s.alone() >= alonesOut || s.Waiting() >= waitingsOut }

// SuspectMark is the treatment of a suspect by a node, which determines the weight of an end of the
// process.
type SuspectMark int

// The marks.
const (
	MarkOff     SuspectMark = iota // it is not attempted
	MarkAlone                      // it is attempted, and no other suspect of the node
	MarkWaiting                    // its attempt waits for its endpoint's answer
	MarkCleared                    // its attempt has finished: it is no longer a suspect
)

// ReplayStatus is the status of a replay: running, and then exactly one of the others.
type ReplayStatus string

// The statuses of a replay.
const (
	ReplayRunning  ReplayStatus = "running"
	ReplayDone     ReplayStatus = "done"     // it has processed its whole range
	ReplayCanceled ReplayStatus = "canceled" // it was canceled; deliveries that it made due stay due
	ReplayFailed   ReplayStatus = "failed"   // its webhook was disabled or deleted
)

// Replay is a job that sends deliveries of a webhook again, or sends the events that it
// missed. It makes deliveries pending, in batches; they are then attempted like any other.
type Replay struct {
	ID        JobID
	Tenant    string
	WebhookID WebhookID
	// Since and Until limit the replay to deliveries created, and missed events accepted,
	// from Since (inclusive) until Until (exclusive). Both are set.
	Since, Until time.Time
	// Statuses are the final statuses of the deliveries to send again; empty for none.
	Statuses []DeliveryStatus
	// EventTypes are patterns as in [Webhook.Events]; empty for every type.
	EventTypes []string
	// Missed reports whether events that match the webhook now, and have no delivery to it,
	// get one.
	Missed bool

	Status ReplayStatus
	// Reason is why the replay failed, as a sentence.
	Reason string
	// Total is the number of deliveries and missed events in the range when the replay
	// started, Done the number of those processed. Both show progress: as the range can
	// change meanwhile, they may differ in the end.
	Total, Done int
	// Replayed is the number of deliveries made pending, including new ones. It does not
	// count missed events that the webhook's filter rejects.
	Replayed int
	EndedAt  time.Time // UTC; zero while it runs
}

// ReplayQuery selects replays of a webhook, newest first.
type ReplayQuery struct {
	Tenant    string
	WebhookID WebhookID
	Before    JobID // older than this one; zero to start with the newest
	Limit     int
}

// ReplayCount is the size of a replay. Events counts missed events by their type alone,
// because the webhook's filter is applied only when the replay runs.
type ReplayCount struct{ Deliveries, Events int }

// CreatedAt is when the replay was created, in UTC.
func (r *Replay) CreatedAt() time.Time { return r.ID.Time() }

// DefaultReplayStatuses returns the statuses of deliveries that did not arrive.
func DefaultReplayStatuses() []DeliveryStatus { return []DeliveryStatus{Failed, Canceled} }

// WantsType reports whether the replay includes events of a type.
func (r *Replay) WantsType(eventType string) bool {
	return len(r.EventTypes) == 0 || slices.ContainsFunc(r.EventTypes, func(pattern string) bool { return MatchPattern(pattern, eventType) })
}

// Validate checks the fields that a caller sets. The error has code [Invalid] and names
// the field; see [FaultsOf].
func (r *Replay) Validate() error {
	var faults []error
	switch {
	case r.Since.IsZero():
		faults = append(faults, Fault("since", message.SinceMissing))
	case !r.Since.Before(r.Until):
		faults = append(faults, Fault("since", message.SinceRange))
	}
	for i, status := range r.Statuses {
		field := "statuses[" + itoa(i) + "]"
		if status != Success && status != Failed && status != Canceled {
			faults = append(faults, Fault(field, message.ReplayStatus))
		} else if slices.Contains(r.Statuses[:i], status) {
			faults = append(faults, Fault(field, message.Duplicate))
		}
	}
	if len(r.Statuses) == 0 && !r.Missed {
		faults = append(faults, Fault("statuses", message.ReplayEmpty))
	}
	if len(r.EventTypes) > 0 {
		for _, fault := range FaultsOf(ValidatePatterns(r.EventTypes)) {
			moved := *fault
			moved.Field = "event_types" + fault.Field[len("events"):]
			faults = append(faults, &moved)
		}
	}
	return JoinFaults(faults...)
}

// MissedEvents is a batch of a replay's events.
type MissedEvents struct {
	Events []Event
	// Through is the last event that was read; zero when no events are left.
	Through EventKey
}

// MissedDelivery is a delivery to create of an event that its webhook missed.
type MissedDelivery struct {
	ID       DeliveryID
	EventKey EventKey
}
