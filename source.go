package peal

import (
	"strings"
	"time"

	"github.com/pealhq/peal/internal/message"
)

// Limits of a source.
const (
	MaxSourceName   = 64      // characters of a source's name
	maxSourceSecret = 4 << 10 // characters of a source's secret, which may be an Authorization value
)

type sourceKind struct{}

func (sourceKind) prefix() string { return "source" }

// SourceID identifies a source. Its 62 random bits make it hard to guess.
type SourceID = ID[sourceKind]

// NewSourceID creates an ID with the current time.
func NewSourceID() SourceID { return newID[sourceKind]() }

// ParseSourceID parses the text of a source's id. The error has code [Invalid].
func ParseSourceID(text string) (SourceID, error) { return parseID[sourceKind](text) }

// SourceDedup is the way in which a source recognizes repeated requests.
type SourceDedup string

// The ways to recognize repeated requests.
const (
	// DedupID compares the sender's id of the delivery or event. Every request without one
	// is a new event.
	DedupID SourceDedup = "id"
	// DedupBody compares the bytes of the body: equal bodies are always one event.
	DedupBody SourceDedup = "body"
)

// Source receives webhooks from another system, and publishes each as an event of its tenant.
type Source struct {
	ID     SourceID
	Tenant string
	// Name is unique within the tenant and appears in URLs. It never changes, because the ids
	// of its events start with it.
	Name string
	// Format is the name of the sender's format, such as "vikunja", which also determines
	// how requests are verified.
	Format string
	// Secrets verify requests. The first is the current one; the others are also valid until
	// they expire. For a format without a signature they are values of the Authorization
	// header.
	Secrets []Secret
	// Unverified accepts requests from anybody who knows the source's id; then there are no
	// secrets.
	Unverified  bool
	Dedup       SourceDedup
	Description string
	Status      WebhookStatus // Active, or Disabled, which refuses every request
	// Counts are the requests so far.
	Counts    SourceCounts
	UpdatedAt time.Time // UTC
	// Revision counts the changes of the settings. A change based on an older one is a
	// conflict.
	Revision int64
}

// SourceCounts are statistics of the requests to a source.
type SourceCounts struct {
	Accepted  int64 // requests that became events
	Duplicate int64 // requests that repeated one
	Refused   int64 // requests that could not be verified or parsed
	// AcceptedAt is when the last one was accepted, including duplicates, in UTC; zero for never.
	AcceptedAt time.Time
	// RefusedAt is when the last one was refused, in UTC; zero for never.
	RefusedAt time.Time
	// Refusal is the reason for that, as a sentence.
	Refusal string
}

// Add adds more to the counts.
func (c *SourceCounts) Add(more SourceCounts) {
	c.Accepted += more.Accepted
	c.Duplicate += more.Duplicate
	c.Refused += more.Refused
	if more.AcceptedAt.After(c.AcceptedAt) {
		c.AcceptedAt = more.AcceptedAt
	}
	if more.RefusedAt.After(c.RefusedAt) {
		c.RefusedAt, c.Refusal = more.RefusedAt, more.Refusal
	}
}

// CreatedAt returns when the source was created, in UTC.
func (s *Source) CreatedAt() time.Time { return s.ID.Time() }

// ActiveSecrets returns the secrets that verify at the time at, the current one first.
func (s *Source) ActiveSecrets(at time.Time) []string { return activeSecrets(s.Secrets, at) }

// Validate checks everything that does not depend on the format. The error has code [Invalid]
// and names the field; see [FaultsOf] for several fields.
func (s *Source) Validate() error {
	faults := []error{ValidateSourceName(s.Name)}
	if s.Unverified && len(s.Secrets) > 0 {
		faults = append(faults, Fault("unverified", message.UnverifiedWithSecret))
	}
	if !s.Unverified && len(s.Secrets) == 0 {
		faults = append(faults, Fault("secret", message.SourceSecretMissing))
	}
	for _, secret := range s.Secrets {
		faults = append(faults, validateSourceSecret(secret.Value))
	}
	switch s.Dedup {
	case DedupID, DedupBody:
	default:
		faults = append(faults, Fault("dedup", message.SourceDedup))
	}
	switch s.Status {
	case Active, Disabled:
	default:
		faults = append(faults, Fault("status", message.SourceStatus))
	}
	faults = append(faults, checkLength("description", s.Description, MaxDescription))
	return JoinFaults(faults...)
}

func validateSourceSecret(value string) error {
	if err := checkLength("secret", value, maxSourceSecret); err != nil {
		return err
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
		return Fault("secret", message.CopiedLineBreak)
	}
	return refuseHidden("secret", value)
}

// ValidateSourceName checks a source's name. The error has code [Invalid] and the field "name".
func ValidateSourceName(name string) error {
	if name == "" || len(name) > MaxSourceName {
		return Fault("name", message.CharactersUpTo, MaxSourceName)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c|0x20-'a' <= 25, c-'0' <= 9:
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return Fault("name", message.NameCharacters)
		}
	}
	if strings.HasPrefix(name, sourceKind{}.prefix()+"_") {
		return Fault("name", message.SourcePrefix)
	}
	return nil
}

// Storable reports why a store must not take a source: without an ID, a tenant, a name
// and a format. The error has code [Invalid] and names the field.
func (s *Source) Storable() error {
	switch {
	case s.ID.IsZero():
		return Fault("id", message.Missing)
	case s.Tenant == "":
		return Fault("tenant", message.Missing)
	case s.Format == "":
		return Fault("format", message.Missing)
	}
	return ValidateSourceName(s.Name)
}
