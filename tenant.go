package peal

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tenant is whose webhooks and events they are: a workspace, a project, a
// dataspace, a customer. Its name is the application's own.
type Tenant struct {
	Name        string // 1 to 128 of letters, digits and "._-:@"
	Description string
	// Format is the default of its new webhooks; "" for the deployment's.
	Format string
	// RetryPolicy is the default of its webhooks; nil for the format's or the deployment's.
	RetryPolicy *RetryPolicy
	// Catalogue names the catalogue that describes its events; "" for [DefaultCatalogue].
	Catalogue string
	// Quotas are its own limits; those that are missing are the deployment's.
	Quotas Quotas
	// Revision counts the changes of the settings. The store sets it; a change names the
	// one that it is made from.
	Revision  int64
	CreatedAt time.Time // UTC
}

// ValidateTenant checks a tenant's name. The error has code [Invalid] and the field "tenant".
func ValidateTenant(name string) error {
	if name == "" || len(name) > MaxTenantLength {
		return Invalidf("tenant", "must have 1 to %d characters", MaxTenantLength)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c|0x20-'a' <= 25, c-'0' <= 9:
		case i > 0 && (c == '.' || c == '_' || c == '-' || c == ':' || c == '@'):
		default:
			return Invalidf("tenant", "must be letters, digits and \"._-:@\", beginning with a letter or digit")
		}
	}
	return nil
}

// Validate checks the tenant. The error has code [Invalid] and names the field; see [Faults].
func (t *Tenant) Validate() error {
	faults := []error{ValidateTenant(t.Name)}
	faults = append(faults, checkLength("description", t.Description, MaxDescription))
	if t.RetryPolicy != nil {
		faults = append(faults, t.RetryPolicy.Validate())
	}
	if t.Catalogue != "" {
		faults = append(faults, ValidateCatalogue(t.Catalogue))
	}
	faults = append(faults, t.Quotas.Validate(0))
	if _, own := t.Quotas[QuotaEventTypes]; own {
		faults = append(faults, Invalidf("quotas.event_types", "must be left out; catalogues are shared, and the server's setting bounds each"))
	}
	return Faults(faults...)
}

// Quota names a bound of what one tenant may have, or do.
type Quota string

// The quotas.
const (
	QuotaWebhooks          Quota = "webhooks"           // that are not deleted
	QuotaSources           Quota = "sources"            //
	QuotaKeys              Quota = "keys"               // that are not revoked
	QuotaPortalLinks       Quota = "portal_links"       // that can still be used
	QuotaUsers             Quota = "users"              //
	QuotaSessions          Quota = "sessions"           // that have not ended, of users and of the portal
	QuotaEventTypes        Quota = "event_types"        // of a catalogue, which tenants may share
	QuotaStreams           Quota = "streams"            // open live lists, on each node
	QuotaPendingDeliveries Quota = "pending_deliveries" // without a final status
	QuotaPendingBytes      Quota = "pending_bytes"      // of the data of those deliveries' events, once for each delivery
	QuotaEventsPerSecond   Quota = "events_per_second"  // that are published, in the long run, on each node
)

// AllQuotas lists the quotas in the order in which they are shown.
func AllQuotas() []Quota {
	return []Quota{
		QuotaWebhooks, QuotaSources, QuotaKeys, QuotaPortalLinks, QuotaUsers, QuotaSessions, QuotaEventTypes,
		QuotaStreams, QuotaPendingDeliveries, QuotaPendingBytes, QuotaEventsPerSecond,
	}
}

// RowQuotas lists those that a store enforces when a row is created.
func RowQuotas() []Quota {
	return []Quota{QuotaWebhooks, QuotaSources, QuotaKeys, QuotaPortalLinks, QuotaUsers, QuotaSessions}
}

// Quotas are limits by quota. 0 is no limit; a quota that is missing has the default of
// whoever asks.
type Quotas map[Quota]int64

// LargestQuota keeps sums of limits and uses from overflowing.
const LargestQuota = 1 << 50

// DefaultQuotas are those of a server that was told nothing.
func DefaultQuotas() Quotas {
	return Quotas{
		QuotaWebhooks: 500, QuotaSources: 100, QuotaKeys: 100, QuotaPortalLinks: 1000, QuotaUsers: 1000, QuotaSessions: 10_000, QuotaEventTypes: 10_000, QuotaStreams: 16,
		QuotaPendingDeliveries: 1_000_000, QuotaPendingBytes: 1 << 30, QuotaEventsPerSecond: 0,
	}
}

// Of returns the limit of a tenant's quota: its own, or else the one in q; 0 for none.
// [DefaultTenant], which is the operator's own in most deployments, and
// [OperationsTenant] have no limits but their own.
func (q Quotas) Of(tenant string, own Quotas, quota Quota) int64 {
	if limit, ok := own[quota]; ok {
		return limit
	}
	if tenant == DefaultTenant || tenant == OperationsTenant {
		return 0
	}
	return q[quota]
}

// Validate checks limits of one tenant, or defaults. most is the largest number of
// deliveries of one publish, which an event to all webhooks must not exceed; 0 leaves
// that out. The error has code [Invalid] and the field "quotas" with the quota's name; see
// [Faults].
func (q Quotas) Validate(most int64) error {
	var faults []error
	for _, quota := range slices.Sorted(maps.Keys(q)) {
		limit := q[quota]
		switch {
		case !slices.Contains(AllQuotas(), quota):
			faults = append(faults, Invalidf("quotas."+string(quota), "is unknown; use one of webhooks, sources, keys, portal_links, users, sessions, event_types, streams, pending_deliveries, pending_bytes and events_per_second"))
		case limit < 0 || limit > LargestQuota:
			faults = append(faults, Invalidf("quotas."+string(quota), "must be from 0 (no limit) to %d", int64(LargestQuota)))
		case quota == QuotaWebhooks && most > 0 && limit > most:
			faults = append(faults, Invalidf("quotas.webhooks", "must be at most limits.max_deliveries (%d), or an event to all of them cannot be published; raise both", most))
		}
	}
	return Faults(faults...)
}

// EncodeQuotas returns the limits of a tenant as a store keeps them; "" for none.
func EncodeQuotas(q Quotas) string {
	if len(q) == 0 {
		return ""
	}
	text, err := json.Marshal(q)
	if err != nil { // names and numbers always can be
		return ""
	}
	return string(text)
}

// DecodeQuotas reads what EncodeQuotas wrote.
func DecodeQuotas(text string) (q Quotas, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &q)
	return q, err
}

// pendingWait is when trying again makes sense where too much is pending.
const pendingWait = 5 * time.Second

// Exceeded returns the refusal of what would exceed a quota: [RateLimited] where waiting
// helps, and [Invalid] otherwise.
func (q Quota) Exceeded(used, limit int64) *Error {
	e := q.exceeded(used, limit)
	e.Quota = string(q)
	return e
}

func (q Quota) exceeded(used, limit int64) *Error {
	switch q {
	case QuotaPendingDeliveries, QuotaPendingBytes:
		e := Errorf(RateLimited, "the quota %s is used up: %d of %d; wait until deliveries have arrived, cancel some, or ask the operator to raise it", q, used, limit)
		e.RetryAfter = pendingWait
		return e
	case QuotaStreams:
		e := Errorf(RateLimited, "the quota %s is used up: %d of %d live lists are open; close one, or ask the operator to raise it", q, used, limit)
		e.RetryAfter = pendingWait
		return e
	case QuotaEventsPerSecond:
		e := Errorf(RateLimited, "the quota %s is used up: more than %d events a second; wait before the next one", q, limit)
		e.RetryAfter = time.Second
		return e
	}
	return Errorf(Invalid, "the quota %s is used up: %d of %d; take some away, or ask the operator to raise it", q, used, limit)
}

// TenantUse is what a tenant has of a row quota.
type TenantUse struct {
	Tenant string
	Quotas Quotas // its own limits
	Used   int64
}

// QuotaStore counts what tenants have. The limits of row quotas are enforced by the
// methods that create a row, in their transaction: a tenant's own limit or the store's
// default. They return [Quota.Exceeded].
type QuotaStore interface {
	// Usage counts what a tenant has of the row quotas at a moment.
	Usage(ctx context.Context, tenant string, now time.Time) (map[Quota]int64, error)
	// Count counts what a tenant has of one row quota at a moment, up to most.
	Count(ctx context.Context, tenant string, quota Quota, now time.Time, most int64) (int64, error)
	// Uses counts what each tenant has of one row quota at a moment, in no order. Tenants that
	// have nothing are left out.
	Uses(ctx context.Context, quota Quota, now time.Time) ([]TenantUse, error)
	// CountEventTypes counts the entries of a catalogue, up to most.
	CountEventTypes(ctx context.Context, catalogue string, most int64) (int64, error)
	// PendingUsage counts a tenant's pending deliveries and the bytes of their events'
	// data, looking at no more than most deliveries.
	PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error)
}

// DefaultCatalogue is the catalogue of every tenant that names no other. It always exists.
const DefaultCatalogue = "default"

// MaxCatalogueLength is the longest name of a catalogue, in bytes.
const MaxCatalogueLength = 64

// ValidateCatalogue checks the name of a catalogue: 1 to 64 letters, digits, dots,
// underscores and hyphens, the first of them a letter or digit. The error has code
// [Invalid] and the field "catalogue".
func ValidateCatalogue(name string) error {
	if name == "" || len(name) > MaxCatalogueLength {
		return Invalidf("catalogue", "must have 1 to %d characters", MaxCatalogueLength)
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20-'a' <= 25 || c-'0' <= 9 || i > 0 && strings.IndexByte("._-", c) >= 0 {
			continue
		}
		return Invalidf("catalogue", "must be letters, digits and \"._-\", starting with a letter or digit")
	}
	return nil
}

// catalogueOr returns a catalogue's name, of which "" stands for the default.
func catalogueOr(name string) string {
	if name == "" {
		return DefaultCatalogue
	}
	return name
}

// CatalogueName returns the name of the catalogue that describes the tenant's events.
func (t *Tenant) CatalogueName() string { return catalogueOr(t.Catalogue) }

// Key returns the text that identifies the entry among those of all catalogues: the
// catalogue's name, a slash, and the type's name. Neither name contains a slash.
func (t *EventType) Key() string { return catalogueOr(t.Catalogue) + "/" + t.Name }

// EventTypeKey returns the [EventType.Key] of a type in a catalogue; "" is the default one.
func EventTypeKey(catalogue, name string) string {
	return (&EventType{Catalogue: catalogue, Name: name}).Key()
}

// EventTypesEnd returns the least text that sorts after the keys of all types of a
// catalogue, byte by byte: "0" is the character after "/".
func EventTypesEnd(catalogue string) string { return catalogueOr(catalogue) + "0" }

// SetKey sets the entry's Catalogue and Name from what [EventType.Key] returned.
func (t *EventType) SetKey(key string) {
	t.Catalogue, t.Name, _ = strings.Cut(key, "/")
}

// EventType is an entry of the catalogue: what a type of event means.
type EventType struct {
	Catalogue   string          // the catalogue that it is in; "" for [DefaultCatalogue]
	Name        string          // as in [Event.Type]
	Description string          // plain text, at most 4,096 characters
	Schema      json.RawMessage // JSON Schema of the data; nil when there is none
	Example     json.RawMessage // an example of the data; nil when there is none
	CreatedAt   time.Time       // UTC
	UpdatedAt   time.Time       // UTC
}

// MaxDescription is the longest description of anything, in characters.
const MaxDescription = 4096

// MaxSchema is the largest schema and the largest example of an event type, in bytes.
const MaxSchema = 64 << 10

// Validate checks the entry's own shape; whether Schema is a schema is the
// business of package internal/match. The error has code [Invalid]; see [Faults].
func (t *EventType) Validate() error {
	faults := []error{ValidateType(t.Name)}
	if t.Catalogue != "" {
		faults = append(faults, ValidateCatalogue(t.Catalogue))
	}
	faults = append(faults, checkLength("description", t.Description, MaxDescription))
	for _, text := range []struct {
		field string
		value json.RawMessage
	}{{"schema", t.Schema}, {"example", t.Example}} {
		if len(text.value) > MaxSchema {
			faults = append(faults, Invalidf(text.field, "is %d bytes, at most %d are kept", len(text.value), MaxSchema))
		} else if text.value != nil {
			if err := validateJSON(text.value); err != nil {
				err.Field = text.field
				faults = append(faults, err)
			}
		}
	}
	return Faults(faults...)
}
