package peal

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
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

// WebhookStatus determines whether a webhook receives events.
type WebhookStatus string

// The statuses of a webhook.
const (
	Active   WebhookStatus = "active"   // gets deliveries, which are sent
	Paused   WebhookStatus = "paused"   // gets deliveries, which are held until it is active again
	Disabled WebhookStatus = "disabled" // gets no new deliveries; existing ones are held
	Deleted  WebhookStatus = "deleted"  // does not exist any more; a record remains until every node knows
)

// WebhookAuthor is the kind of caller that saved the settings of a webhook last.
type WebhookAuthor string

// The authors. Only a webhook saved by a tenant cannot use the operator's own variables.
const (
	AuthorUnknown  WebhookAuthor = ""         // it was last saved before authors were recorded
	AuthorOperator WebhookAuthor = "operator" // a caller that acts for every tenant, or the configuration file
	AuthorTenant   WebhookAuthor = "tenant"   // a caller that acts for its tenant alone
)

// Webhook is a tenant's subscription: which events go where, and how.
type Webhook struct {
	ID     WebhookID
	Tenant string
	// Name is a name for people; "" for none. Several webhooks may have the same name. It
	// has at most [MaxWebhookName] characters, see [validateWebhookName]; white space around
	// it is removed when it is saved. A managed webhook has the name of its entry, shortened
	// to that length.
	Name string
	// URL is the target of the requests: http or https, without user info and fragment.
	URL string
	// Events are patterns of event types; see [MatchPattern].
	Events []string
	// Format is the name of the format of requests, such as "standard".
	Format string
	// Secrets sign requests. The first is the current one; the others also sign until they expire.
	Secrets []Secret
	// Headers are added to each request and replace a header of the same name in any case.
	// Values may contain {{NAME}} for an operator's variable that the webhook may use.
	Headers map[string]string
	// Authorization is the exact value of the Authorization header; "" for none.
	Authorization string
	// ClientCertificate authenticates the sender to the endpoint; nil for none.
	ClientCertificate *ClientCertificate
	// Pins are public keys, see [ParsePin]: the endpoint's certificate chain must contain
	// one of them, and must be valid as well. nil accepts any valid chain.
	Pins []string
	// OAuth2 is the source of tokens for the Authorization header; nil for none.
	OAuth2 *OAuth2
	// ExtraPayload is an object that some formats merge into the body; nil for none.
	ExtraPayload json.RawMessage
	// UUID is the webhook's id in bodies of the dejacode format; "" for its ID.
	UUID string
	// RetryPolicy is the webhook's own; nil for that of its tenant, its format or the default.
	RetryPolicy *RetryPolicy
	// Timeout limits a whole attempt, from dialling to the last byte of the response.
	Timeout time.Duration
	// RateLimit limits the rate of starting requests; nil for no limit.
	RateLimit *RateLimit
	// Handshake makes Peal ask the URL for its consent before it saves the webhook, as
	// CloudEvents webhooks do; each request then names the origin that has consent.
	Handshake bool
	// Filter is an expression that must be true for an event to match; "" for none.
	Filter string
	// Transform is a jq program that turns the event into the webhook's data; "" for none.
	Transform   string
	Description string
	Status      WebhookStatus
	// StatusReason is why the webhook is paused or disabled, as a sentence; it may be "" when
	// a person did it.
	StatusReason string
	// Managed reports whether the configuration file owns the webhook.
	Managed bool
	// Author is the kind of caller that saved the settings last, which determines the
	// variables that they may use.
	Author WebhookAuthor
	// Entry is the configuration entry of a managed webhook; zero for any other.
	Entry ConfigEntry
	// Health is the recent result of its deliveries.
	Health    WebhookHealth
	UpdatedAt time.Time // UTC
	// Revision is the version of the routes in which the webhook last changed. A change
	// based on an older one is a conflict.
	Revision int64
}

// WebhookHealth is the recent result of a webhook's deliveries.
type WebhookHealth struct {
	// ExhaustedInRow is the number of deliveries that failed for good since the last success.
	ExhaustedInRow int
	// FailingSince is when the first attempt after the last success failed; zero when the
	// last attempt succeeded.
	FailingSince time.Time
	// CertificateExpiresAt is when the endpoint's certificate expires, in UTC, if that was
	// soon at the last secure connection; zero otherwise. A successful delivery does not
	// clear it.
	CertificateExpiresAt time.Time
}

// WithoutFailures returns the health without its failures.
func (h WebhookHealth) WithoutFailures() WebhookHealth {
	return WebhookHealth{CertificateExpiresAt: h.CertificateExpiresAt}
}

// RateLimit limits the rate of starting requests: a token bucket.
type RateLimit struct {
	PerSecond float64 // tokens a second, above 0 to 10,000
	Burst     int     // size of the bucket, 1 to 10,000
}

// CreatedAt returns when the webhook was created, in UTC.
func (w *Webhook) CreatedAt() time.Time { return w.ID.Time() }

// ActiveSecrets returns the secrets that sign at the time at, the current one first.
func (w *Webhook) ActiveSecrets(at time.Time) []string { return activeSecrets(w.Secrets, at) }

// Title returns a short description for people: the webhook's name, or the host of its URL if
// it has none.
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

// Validate checks everything that does not depend on the format, the operator's settings or
// a compiler. The error has code [Invalid] and names the field; see [FaultsOf] for
// several fields.
func (w *Webhook) Validate() error {
	faults := []error{
		validateWebhookName(w.Name),
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
		faults = append(faults, Fault("timeout_ms", message.Range, MinTimeout.Milliseconds(), MaxTimeout.Milliseconds()))
	}
	if l := w.RateLimit; l != nil && !(l.PerSecond > 0 && l.PerSecond <= 1e4 && l.Burst >= 1 && l.Burst <= 1e4) {
		faults = append(faults, Fault("rate_limit", message.RateRange))
	}
	switch w.Status {
	case Active, Paused, Disabled:
	default:
		faults = append(faults, Fault("status", message.WebhookStatus))
	}
	for _, text := range []struct {
		field, value string
		limit        int
	}{
		{"filter", w.Filter, MaxProgram}, {"transform", w.Transform, MaxProgram}, {"description", w.Description, MaxDescription}, {"uuid", w.UUID, maxUUID},
	} {
		faults = append(faults, checkLength(text.field, text.value, text.limit))
	}
	return JoinFaults(faults...)
}

const maxUUID = 128 // characters of the id that the dejacode format shows

func validateExtra(extra json.RawMessage) error {
	if len(extra) > MaxExtra {
		return Fault("extra_payload", message.MoreThanKept, len(extra), MaxExtra)
	}
	if err := validateJSON(extra); err != nil {
		err.Field = "extra_payload"
		return err
	}
	if strings.TrimLeft(string(extra), " \t\r\n")[0] != '{' {
		return Fault("extra_payload", message.NotJSONObject)
	}
	return nil
}

// validateWebhookName checks the name of a webhook without white space around it: at most
// [MaxWebhookName] characters of valid UTF-8, without control characters (including tabs and
// line breaks), line and paragraph separators, and characters that change the direction of
// writing. The error has code [Invalid] and the field "name".
func validateWebhookName(name string) error {
	if !utf8.ValidString(name) {
		return Fault("name", message.InvalidUTF8)
	}
	if err := checkLength("name", name, MaxWebhookName); err != nil {
		return err
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	}) {
		return Fault("name", message.DirectionCharacters)
	}
	return nil
}

// ValidateURL checks a webhook's URL. The error has code [Invalid] and the field "url".
func ValidateURL(text string) error {
	if text == "" {
		return Fault("url", message.Missing)
	}
	if len(text) > MaxURLLength {
		return Fault("url", message.TooManyCharacters, len(text), MaxURLLength)
	}
	for i := range len(text) {
		if text[i] <= 0x20 || text[i] == 0x7f {
			return Fault("url", message.URLCharacters)
		}
	}
	if hidesQuery(text) {
		return Fault("url", message.URLRedacted, redacted)
	}
	u, err := url.Parse(text)
	if err != nil {
		return Fault("url", message.URLInvalid)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Fault("url", message.URLScheme)
	}
	if u.User != nil {
		return Fault("url", message.URLPassword)
	}
	if u.Fragment != "" || strings.Contains(text, "#") {
		return Fault("url", message.URLFragment)
	}
	if u.Opaque != "" || u.Hostname() == "" {
		return Fault("url", message.URLHostMissing)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return Fault("url", message.PortRange)
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return Fault("url", message.PortMissing)
	}
	return nil
}

// Storable checks the fields that every store requires: an ID, a tenant, a format, a URL to send
// to, events and a status. [Webhook.Validate] checks much more. The error has code [Invalid] and
// names the field.
func (w *Webhook) Storable() error {
	u, err := url.Parse(w.URL)
	switch {
	case w.ID.IsZero():
		return Fault("id", message.Missing)
	case w.Tenant == "":
		return Fault("tenant", message.Missing)
	case w.Format == "":
		return Fault("format", message.Missing)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return Fault("url", message.URLNeeded)
	case len(w.Events) == 0:
		return Fault("events", message.PatternsMissing)
	}
	switch w.Status {
	case Active, Paused, Disabled:
		return nil
	}
	return Fault("status", message.WebhookStatus)
}

// MatchPattern reports whether a pattern matches an event type. "*" matches every type,
// "task.*" every type that starts with "task." (so task.created and task.comment.edited, but
// not task), and any other pattern only the equal type.
func MatchPattern(pattern, eventType string) bool {
	if pattern == "*" || pattern == eventType {
		return true
	}
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	return isPrefix && strings.HasPrefix(eventType, prefix)
}

// ValidatePatterns checks a webhook's event patterns: 1 to [MaxPatterns], each an event type,
// whole segments followed by ".*", or "*". The error has code [Invalid] and names the element.
func ValidatePatterns(patterns []string) error {
	if len(patterns) == 0 {
		return Fault("events", message.PatternsMissing)
	}
	if len(patterns) > MaxPatterns {
		return Fault("events", message.TooManyPatterns, len(patterns), MaxPatterns)
	}
	var faults []error
	for i, pattern := range patterns {
		if pattern == "*" {
			continue
		}
		if err := ValidateType(strings.TrimSuffix(pattern, ".*")); err != nil {
			faults = append(faults, Fault("events["+itoa(i)+"]", message.PatternInvalid))
		}
	}
	return JoinFaults(faults...)
}

// Limits of the recorded filter errors.
const (
	MaxFilterErrors     = 20  // webhooks of one event
	MaxFilterErrorBytes = 500 // bytes of one message
)

// ReasonFilter is the reason of problems with a webhook's filter that fails on events.
// Attempts never have it.
const ReasonFilter Reason = "filter"

// FilterError records that a webhook's filter failed on an event, which counts as no match.
type FilterError struct {
	WebhookID WebhookID
	// Message is the error, at most MaxFilterErrorBytes of UTF-8 in one line.
	Message string
}

// NewFilterError creates a [FilterError] from an error, with its message shortened if necessary.
func NewFilterError(id WebhookID, err error) FilterError {
	text := err.Error()
	if e, ok := err.(*Error); ok {
		text = e.Message // the field is always the filter
	}
	return FilterError{WebhookID: id, Message: clipLine(text, MaxFilterErrorBytes)}
}

// clipLine returns text as one line of UTF-8 of at most limit bytes. The text may contain parts
// of an event.
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

// ConfigEntry identifies the configuration entry that a managed webhook was last set from. When the
// configuration is read again, it shows whether the entry has changed.
type ConfigEntry struct {
	// Name is the entry's unique name.
	Name string
	// Digest is a digest of the whole entry, including its secrets.
	Digest string
}
