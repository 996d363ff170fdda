package peal

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a webhook.
const (
	MaxURLLength   = 2048             // characters of a URL
	MaxWebhookName = 100              // characters of a webhook's name
	MaxPatterns    = 100              // event patterns of a webhook
	MaxHeaders     = 50               // extra headers of a webhook
	MaxHeaderValue = 4 << 10          // bytes of one extra header's name and value together
	MaxExtra       = 64 << 10         // bytes of an extra payload
	MaxProgram     = 8 << 10          // characters of a filter or a transform
	MinTimeout     = time.Second      // shortest total timeout of an attempt
	MaxTimeout     = 60 * time.Second // longest total timeout of an attempt
	DefaultTimeout = 15 * time.Second // total timeout of an attempt, unless the webhook has its own
	DefaultFormat  = "standard"       // format of a webhook, unless it or its tenant has another
)

// WebhookStatus is whether a webhook gets events.
type WebhookStatus string

// The statuses of a webhook.
const (
	Active   WebhookStatus = "active"   // gets deliveries, which are sent
	Paused   WebhookStatus = "paused"   // gets deliveries, which are held until it is active again
	Disabled WebhookStatus = "disabled" // gets none; those it had are held
	Deleted  WebhookStatus = "deleted"  // is gone; kept only so that every node learns of it
)

// Author is who saved the settings of a webhook last, in so far as it matters.
type Author string

// The authors. Only a webhook of a tenant's is kept from variables of the operator's.
const (
	AuthorUnknown  Author = ""         // nobody has saved it since authors are on record
	AuthorOperator Author = "operator" // one who acts for every tenant, or the configuration file
	AuthorTenant   Author = "tenant"   // one who acts for its tenant alone
)

// Webhook is a tenant's subscription: which events go where, and how.
type Webhook struct {
	ID     WebhookID
	Tenant string
	// Name is what people call it; "" for none. Several webhooks may have the same name. It is at
	// most [MaxWebhookName] characters, see [ValidateWebhookName]; the space around it is cut off
	// when it is saved. That of a managed webhook is its entry's, shortened to so many.
	Name string
	// URL is where the requests go: http or https, without user info and fragment.
	URL string
	// Events are the patterns of the event types it wants; see [MatchPattern].
	Events []string
	// Format names how an event becomes a request, such as "standard".
	Format string
	// Secrets sign. The first is the current one; the others sign beside it until they expire.
	Secrets []Secret
	// Headers are added to each request and replace a header of the same name in
	// any case. Values may hold {{NAME}}, a variable of the operator that the webhook may use.
	Headers map[string]string
	// Authorization is the Authorization header's value, sent as it is; "" for none.
	Authorization string
	// ClientCertificate is what the endpoint knows the sender by; nil for none.
	ClientCertificate *ClientCertificate
	// Pins are the public keys of which one must stand in the endpoint's chain of
	// certificates, see [ParsePin]; nil for any that is valid. A pinned certificate
	// must be valid as well.
	Pins []string
	// OAuth2 gets a token for the Authorization header; nil for none.
	OAuth2 *OAuth2
	// ExtraPayload is an object that formats with extra payload merge into the body; nil for none.
	ExtraPayload json.RawMessage
	// UUID is the id that the dejacode format shows; "" for the webhook's own.
	UUID string
	// RetryPolicy is the webhook's own; nil to take its tenant's, its format's or the default.
	RetryPolicy *RetryPolicy
	// Timeout bounds one attempt as a whole, from dialling to the last byte of the answer.
	Timeout time.Duration
	// RateLimit bounds how fast requests start; nil for no limit.
	RateLimit *RateLimit
	// Handshake has the URL asked for its consent before the webhook is saved, as
	// CloudEvents webhooks do; each request then names the origin that it consented to.
	Handshake bool
	// Filter is an expression that must be true for an event to match; "" for none.
	Filter string
	// Transform is a jq program from the event to the data that this webhook gets; "" for none.
	Transform   string
	Description string
	Status      WebhookStatus
	// StatusReason says why it is paused or disabled, in a sentence; "" when a person's choice needs none.
	StatusReason string
	// Managed is true when the configuration file owns the webhook.
	Managed bool
	// Author is who saved the settings last, which decides what variables they may use.
	Author Author
	// Entry is what a managed webhook was last set from; zero for any other.
	Entry Entry
	// Health is what its deliveries have lately come to.
	Health    Health
	UpdatedAt time.Time // UTC
	// Revision is the version of the routes that the webhook was last changed in;
	// a change to an older one is a conflict.
	Revision int64
}

// Health is how a webhook's deliveries have lately ended.
type Health struct {
	// ExhaustedInRow counts the deliveries that failed for good since the last success.
	ExhaustedInRow int
	// FailingSince is when the first attempt after the last success failed; zero when the last one succeeded.
	FailingSince time.Time
	// CertificateExpiresAt is when the endpoint's certificate expires, in UTC, where the
	// last secure connection showed that to be soon; zero otherwise. It does not end with
	// a success.
	CertificateExpiresAt time.Time
}

// WithoutFailures is the health with its failures forgotten.
func (h Health) WithoutFailures() Health { return Health{CertificateExpiresAt: h.CertificateExpiresAt} }

// RateLimit bounds the starts of requests: a token bucket.
type RateLimit struct {
	PerSecond float64 // tokens a second, above 0 to 10,000
	Burst     int     // size of the bucket, 1 to 10,000
}

// CreatedAt is when the webhook was created, in UTC.
func (w *Webhook) CreatedAt() time.Time { return w.ID.Time() }

// Title returns what people tell the webhook by: its name, or the host of its URL when it
// has none.
func (w *Webhook) Title() string {
	if w.Name != "" {
		return w.Name
	}
	_, rest, _ := strings.Cut(w.URL, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// Validate checks all that does not depend on the format, the operator's settings
// or a compiler. The error has code [Invalid] and names the field; where several fields
// are wrong it is [Invalids].
func (w *Webhook) Validate() error {
	faults := []error{
		ValidateWebhookName(w.Name),
		ValidateURL(w.URL),
		ValidatePatterns(w.Events),
		ValidateHeaders(w.Headers),
		validateHeaderValue("authorization", w.Authorization),
		w.validateEndpoint(),
	}
	for _, secret := range w.Secrets {
		faults = append(faults, refuseHidden("secret", secret.Value))
	}
	if w.ExtraPayload != nil {
		faults = append(faults, validateExtra(w.ExtraPayload))
	}
	if w.RetryPolicy != nil {
		faults = append(faults, w.RetryPolicy.Validate())
	}
	if w.Timeout < MinTimeout || w.Timeout > MaxTimeout {
		faults = append(faults, Invalidf("timeout_ms", "must be from %d to %d", MinTimeout.Milliseconds(), MaxTimeout.Milliseconds()))
	}
	if l := w.RateLimit; l != nil && !(l.PerSecond > 0 && l.PerSecond <= 1e4 && l.Burst >= 1 && l.Burst <= 1e4) {
		faults = append(faults, Invalidf("rate_limit", "per_second must be above 0 and at most 10000, burst from 1 to 10000"))
	}
	switch w.Status {
	case Active, Paused, Disabled:
	default:
		faults = append(faults, Invalidf("status", "must be active, paused or disabled"))
	}
	for _, text := range []struct {
		field, value string
		limit        int
	}{
		{"filter", w.Filter, MaxProgram}, {"transform", w.Transform, MaxProgram}, {"description", w.Description, MaxDescription}, {"uuid", w.UUID, maxUUID},
	} {
		faults = append(faults, checkLength(text.field, text.value, text.limit))
	}
	return Faults(faults...)
}

const maxUUID = 128 // characters of the id that the dejacode format shows

func validateExtra(extra json.RawMessage) error {
	if len(extra) > MaxExtra {
		return Invalidf("extra_payload", "is %d bytes, at most %d are kept", len(extra), MaxExtra)
	}
	if err := validateJSON(extra); err != nil {
		err.Field = "extra_payload"
		return err
	}
	if strings.TrimLeft(string(extra), " \t\r\n")[0] != '{' {
		return Invalidf("extra_payload", "must be a JSON object")
	}
	return nil
}

// ValidateWebhookName checks the name of a webhook, without the space around it: at most
// [MaxWebhookName] characters of valid UTF-8, without control characters (tabs and line breaks
// among them), separators of lines and paragraphs, and characters that change the direction
// of writing. The error has code [Invalid] and the field "name".
func ValidateWebhookName(name string) error {
	if !utf8.ValidString(name) {
		return Invalidf("name", "is not valid UTF-8")
	}
	if err := checkLength("name", name, MaxWebhookName); err != nil {
		return err
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	}) {
		return Invalidf("name", "must not hold line breaks, control characters or characters that change the direction of writing")
	}
	return nil
}

// ValidateURL checks a webhook's URL. The error has code [Invalid] and the field "url".
func ValidateURL(text string) error {
	if text == "" {
		return Invalidf("url", "is missing")
	}
	if len(text) > MaxURLLength {
		return Invalidf("url", "has %d characters, at most %d are allowed", len(text), MaxURLLength)
	}
	for i := range len(text) {
		if text[i] <= 0x20 || text[i] == 0x7f {
			return Invalidf("url", "must not hold spaces or control characters; escape them as %%XX")
		}
	}
	if hidesQuery(text) {
		return Invalidf("url", "holds %s, which only stands for a value that is not shown; set the URL as a whole", redacted)
	}
	u, err := url.Parse(text)
	if err != nil {
		return Invalidf("url", "is not a valid URL; write it as https://host/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Invalidf("url", "must begin with https:// (or http:// where the operator allows it)")
	}
	if u.User != nil {
		return Invalidf("url", "must not hold a user name or password; put them in authorization")
	}
	if u.Fragment != "" || strings.Contains(text, "#") {
		return Invalidf("url", "must not have a fragment (#…): it is never sent")
	}
	if u.Opaque != "" || u.Hostname() == "" {
		return Invalidf("url", "has no host")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return Invalidf("url", "has a port outside 1 to 65535")
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return Invalidf("url", "has a colon without a port")
	}
	return nil
}

// Storable reports why a store must not take a webhook: without an ID, a tenant, a URL to
// send to and events, nothing could be done with it. It is what every store
// asks; [Webhook.Validate] asks for much more. The error has code [Invalid] and names the
// field.
func (w *Webhook) Storable() error {
	u, err := url.Parse(w.URL)
	switch {
	case w.ID.IsZero():
		return Invalidf("id", "is missing")
	case w.Tenant == "":
		return Invalidf("tenant", "is missing")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return Invalidf("url", "must be a URL such as https://host/path")
	case len(w.Events) == 0:
		return Invalidf("events", "is missing or empty: name event types or patterns, such as task.created, task.* or *")
	}
	switch w.Status {
	case Active, Paused, Disabled:
		return nil
	}
	return Invalidf("status", "must be active, paused or disabled")
}

// MatchPattern reports whether an event type is what a pattern asks for. "*"
// matches every type, "task.*" every type that begins with "task." (so
// task.created and task.comment.edited, not task itself), and anything else only
// itself.
func MatchPattern(pattern, eventType string) bool {
	if pattern == "*" || pattern == eventType {
		return true
	}
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	return isPrefix && strings.HasPrefix(eventType, prefix)
}

// ValidatePatterns checks a webhook's event patterns: 1 to [MaxPatterns], each an
// event type, a prefix of whole segments followed by ".*", or "*". The error has
// code [Invalid] and names the element.
func ValidatePatterns(patterns []string) error {
	if len(patterns) == 0 {
		return Invalidf("events", "is missing or empty: name event types or patterns, such as task.created, task.* or *")
	}
	if len(patterns) > MaxPatterns {
		return Invalidf("events", "has %d patterns, at most %d are allowed; use a wildcard such as task.*", len(patterns), MaxPatterns)
	}
	var faults []error
	for i, pattern := range patterns {
		if pattern == "*" {
			continue
		}
		if err := ValidateType(strings.TrimSuffix(pattern, ".*")); err != nil {
			faults = append(faults, Invalidf("events["+itoa(i)+"]", "must be an event type such as task.created, a prefix such as task.*, or *"))
		}
	}
	return Faults(faults...)
}

// Limits of what is kept of filters that failed on an event.
const (
	MaxFilterErrors     = 20  // webhooks of one event
	MaxFilterErrorBytes = 500 // bytes of one message
)

// ReasonFilter is the reason of problems with a webhook's filter, which fails on events:
// no attempt has it.
const ReasonFilter Reason = "filter"

// FilterError is a webhook whose filter failed on an event, which counts as no match.
type FilterError struct {
	WebhookID WebhookID
	// Message says what failed, at most MaxFilterErrorBytes of UTF-8 in one line.
	Message string
}

// NewFilterError keeps an error's message, cut to what a [FilterError] may hold.
func NewFilterError(id WebhookID, err error) FilterError {
	message := err.Error()
	if e, ok := err.(*Error); ok {
		message = e.Message // the field is always the filter
	}
	return FilterError{WebhookID: id, Message: clipLine(message, MaxFilterErrorBytes)}
}

// clipLine makes one line of UTF-8 of a text that may hold pieces of an event, and
// cuts it to limit bytes.
func clipLine(text string, limit int) string {
	const cut = "…"
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len(cut)], "") + cut
}

// Entry says what a managed webhook was last set from, so that a later reading of
// the configuration finds it again and sees whether the entry has changed since.
type Entry struct {
	// Name is the entry's own name, which no other entry has.
	Name string
	// Digest stands for everything that the entry said, its secrets included.
	Digest string
}
