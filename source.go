package peal

import (
	"context"
	"strings"
	"time"
)

// Limits of a source.
const (
	MaxSourceName   = 64      // characters of a source's name
	MaxSourceSecret = 4 << 10 // characters of a source's secret, which may be an Authorization value
)

type sourceKind struct{}

func (sourceKind) prefix() string { return "source" }

// SourceID names a source. Its 62 bits of chance make it one that nobody guesses.
type SourceID = ID[sourceKind]

// NewSourceID makes a fresh ID for this moment.
func NewSourceID() SourceID { return newID[sourceKind]() }

// ParseSourceID reads the text of a source's id. The error has code [Invalid].
func ParseSourceID(text string) (SourceID, error) { return ParseID[sourceKind](text) }

// SourceDedup is how a source tells a repeated request from a new event.
type SourceDedup string

// The ways to tell.
const (
	// DedupID goes by the sender's own id of the delivery or event. Without one,
	// every request is a new event.
	DedupID SourceDedup = "id"
	// DedupBody goes by the body's bytes: equal bodies are one event, for good.
	DedupBody SourceDedup = "body"
)

// Source takes the webhooks that another system sends, and publishes each as an
// event of its tenant.
type Source struct {
	ID     SourceID
	Tenant string
	// Name is what people and URLs call it, unique in its tenant, and never changes:
	// the ids of its events begin with it.
	Name string
	// Format names how the sender writes requests and how they are verified, such as "vikunja".
	Format string
	// Secrets verify. The first is the current one; the others count beside it until
	// they expire. For a format without a signature they are values of the header
	// Authorization.
	Secrets []Secret
	// Unverified takes requests from anybody who knows the source's id; then there
	// are no secrets.
	Unverified  bool
	Dedup       SourceDedup
	Description string
	Status      WebhookStatus // Active, or Disabled: it refuses every request
	// Counts is what has come so far.
	Counts    SourceCounts
	UpdatedAt time.Time // UTC
	// Revision counts the changes of the settings; a change to an older one is a conflict.
	Revision int64
}

// SourceCounts count the requests to a source.
type SourceCounts struct {
	Accepted  int64 // that became events
	Duplicate int64 // that repeated one
	Refused   int64 // that were not verified or could not be read
	// AcceptedAt is when the last one was accepted, duplicates included, in UTC; zero for never.
	AcceptedAt time.Time
	// RefusedAt is when the last one was refused, in UTC; zero for never.
	RefusedAt time.Time
	// Refusal says why that was, in a sentence.
	Refusal string
}

// Add counts more on top.
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

// CreatedAt is when the source was created, in UTC.
func (s *Source) CreatedAt() time.Time { return s.ID.Time() }

// ActiveSecrets gives the values that verify at a moment, the current one first.
func (s *Source) ActiveSecrets(at time.Time) []string {
	return (&Webhook{Secrets: s.Secrets}).ActiveSecrets(at)
}

// Validate checks all that does not depend on the format. The error has code
// [Invalid] and names the field; where several fields are wrong it is [Invalids].
func (s *Source) Validate() error {
	faults := []error{ValidateSourceName(s.Name)}
	if s.Unverified && len(s.Secrets) > 0 {
		faults = append(faults, Invalidf("unverified", "must not be true beside a secret: take one of the two away"))
	}
	if !s.Unverified && len(s.Secrets) == 0 {
		faults = append(faults, Invalidf("secret", "is missing: give what the sender signs with or, where the format does not sign, the Authorization value that it sends; or set unverified to true and take requests from anybody who knows the URL"))
	}
	for _, secret := range s.Secrets {
		faults = append(faults, validateSourceSecret(secret.Value))
	}
	switch s.Dedup {
	case DedupID, DedupBody:
	default:
		faults = append(faults, Invalidf("dedup", "must be id or body"))
	}
	switch s.Status {
	case Active, Disabled:
	default:
		faults = append(faults, Invalidf("status", "must be active or disabled"))
	}
	faults = append(faults, checkLength("description", s.Description, MaxDescription))
	return Faults(faults...)
}

func validateSourceSecret(value string) error {
	if err := checkLength("secret", value, MaxSourceSecret); err != nil {
		return err
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
		return Invalidf("secret", "must not hold line breaks or control characters; a line break at the end often comes from copying")
	}
	return refuseHidden("secret", value)
}

// ValidateSourceName checks a source's name. The error has code [Invalid] and the field "name".
func ValidateSourceName(name string) error {
	if name == "" || len(name) > MaxSourceName {
		return Invalidf("name", "must have 1 to %d characters", MaxSourceName)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c|0x20-'a' <= 25, c-'0' <= 9:
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return Invalidf("name", "must be letters, digits and \"._-\", beginning with a letter or digit")
		}
	}
	if strings.HasPrefix(name, sourceKind{}.prefix()+"_") {
		return Invalidf("name", "must not begin with source_: ids do")
	}
	return nil
}

// Storable reports why a store must not take a source: without an ID, a tenant, a name
// and a format. The error has code [Invalid] and names the field.
func (s *Source) Storable() error {
	switch {
	case s.ID.IsZero():
		return Invalidf("id", "is missing")
	case s.Tenant == "":
		return Invalidf("tenant", "is missing")
	case s.Format == "":
		return Invalidf("format", "is missing")
	}
	return ValidateSourceName(s.Name)
}

// SourceStore keeps sources and what came to them.
type SourceStore interface {
	// CreateSource adds a source, and its tenant where there is none, and gives it
	// back with its Revision. Conflict when the id or, in its tenant, the name is taken;
	// Invalid when it is not [Source.Storable].
	CreateSource(ctx context.Context, source Source) (Source, error)
	// UpdateSource replaces a source's settings (not its Name and Counts) and gives
	// it back with its new Revision. Conflict when its Revision is not the stored
	// one; NotFound.
	UpdateSource(ctx context.Context, source Source) (Source, error)
	// DeleteSource deletes a source; its events stay. NotFound.
	DeleteSource(ctx context.Context, tenant string, id SourceID) error
	// Source gives one source: one of the tenant, or any with tenant "". NotFound.
	Source(ctx context.Context, tenant string, id SourceID) (Source, error)
	// SourceByName gives the source of a name. NotFound.
	SourceByName(ctx context.Context, tenant, name string) (Source, error)
	// Sources lists a tenant's sources, newest first, those older than before (all
	// when zero).
	Sources(ctx context.Context, tenant string, before SourceID, limit int) ([]Source, error)
	// AddSourceCounts counts more on top of what sources have, as
	// [SourceCounts.Add] does, in one transaction. Sources that are gone are no error.
	AddSourceCounts(ctx context.Context, counts map[SourceID]SourceCounts) error
}
