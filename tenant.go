package peal

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal/internal/message"
)

// Limits and reserved names of tenants.
const (
	MaxTenantLength  = 128       // characters of a tenant's name
	DefaultTenant    = "default" // the tenant that always exists
	OperationsTenant = "peal"    // the tenant of Peal's own events; nobody else publishes to it
)

// Tenant owns webhooks and events: a workspace, project, dataspace or customer. The
// application chooses its name.
type Tenant struct {
	Name        string // 1 to 128 of letters, digits and "._-:@"
	Description string
	// Format is the default format of its new webhooks; "" for the deployment's.
	Format string
	// RetryPolicy is the default policy of its webhooks; nil for the format's or the deployment's.
	RetryPolicy *RetryPolicy
	// Catalogue is the name of the catalogue of its event types; "" for [DefaultCatalogue].
	Catalogue string
	// Quotas are its own limits; missing ones are the deployment's.
	Quotas Quotas
	// Revision counts the changes of the settings. The store sets it; an update carries the
	// revision that it was made from.
	Revision  int64
	CreatedAt time.Time // UTC
	// DeletingSince is when the deletion of the tenant started, in UTC; zero for one that
	// stays.
	DeletingSince time.Time
}

// ValidateTenant checks a tenant's name. The error has code [Invalid] and the field "tenant".
func ValidateTenant(name string) error {
	if name == "" || len(name) > MaxTenantLength {
		return Fault("tenant", message.CharactersUpTo, MaxTenantLength)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c|0x20-'a' <= 25, c-'0' <= 9:
		case i > 0 && (c == '.' || c == '_' || c == '-' || c == ':' || c == '@'):
		default:
			return Fault("tenant", message.TenantCharacters)
		}
	}
	return nil
}

// Validate checks the tenant. The error has code [Invalid] and names the field; see [FaultsOf].
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
		faults = append(faults, Fault("quotas.event_types", message.QuotaOfEventTypes))
	}
	return JoinFaults(faults...)
}

// Quota names a limit of what one tenant may have or do.
type Quota string

// The quotas.
const (
	QuotaWebhooks          Quota = "webhooks"           // webhooks that are not deleted
	QuotaSources           Quota = "sources"            // sources
	QuotaKeys              Quota = "keys"               // keys that are not revoked
	QuotaPortalLinks       Quota = "portal_links"       // portal links that can still be used
	QuotaUsers             Quota = "users"              // users
	QuotaSessions          Quota = "sessions"           // sessions of users and of the portal that have not ended
	QuotaEventTypes        Quota = "event_types"        // event types of a catalogue, which tenants may share
	QuotaStreams           Quota = "streams"            // open live pages, on each node
	QuotaPendingDeliveries Quota = "pending_deliveries" // deliveries without a final status
	QuotaPendingBytes      Quota = "pending_bytes"      // bytes of data of those deliveries' events, once for each delivery
	QuotaEventsPerSecond   Quota = "events_per_second"  // average rate of published events, on each node
)

// AllQuotas returns all quotas in the order of presentation.
func AllQuotas() []Quota {
	return []Quota{
		QuotaWebhooks, QuotaSources, QuotaKeys, QuotaPortalLinks, QuotaUsers, QuotaSessions, QuotaEventTypes,
		QuotaStreams, QuotaPendingDeliveries, QuotaPendingBytes, QuotaEventsPerSecond,
	}
}

// RowQuotas returns the quotas that a store enforces when it creates a row.
func RowQuotas() []Quota {
	return []Quota{QuotaWebhooks, QuotaSources, QuotaKeys, QuotaPortalLinks, QuotaUsers, QuotaSessions}
}

// Quotas maps quotas to limits. 0 is no limit; a missing quota has the default that applies
// where the Quotas are used.
type Quotas map[Quota]int64

// LargestQuota prevents sums of limits and uses from overflowing.
const LargestQuota = 1 << 50

// DefaultQuotas returns the quotas of a server without settings for them.
func DefaultQuotas() Quotas {
	return Quotas{
		QuotaWebhooks: 500, QuotaSources: 100, QuotaKeys: 100, QuotaPortalLinks: 1000, QuotaUsers: 1000, QuotaSessions: 10_000, QuotaEventTypes: 10_000, QuotaStreams: 16,
		QuotaPendingDeliveries: 1_000_000, QuotaPendingBytes: 1 << 30, QuotaEventsPerSecond: 0,
	}
}

// Of returns the limit of a tenant's quota: its own, or else the one in q; 0 for none.
// [DefaultTenant], which is the operator's own in most deployments, and
// [OperationsTenant] have only limits of their own.
func (q Quotas) Of(tenant string, own Quotas, quota Quota) int64 {
	if limit, ok := own[quota]; ok {
		return limit
	}
	if tenant == DefaultTenant || tenant == OperationsTenant {
		return 0
	}
	return q[quota]
}

// Validate checks limits of one tenant, or defaults. most is the largest number of deliveries
// of one publish, which an event to all webhooks must not exceed; 0 skips this check. The
// error has code [Invalid] and the field "quotas" with the quota's name; see [FaultsOf].
func (q Quotas) Validate(most int64) error {
	var faults []error
	for _, quota := range slices.Sorted(maps.Keys(q)) {
		limit := q[quota]
		switch {
		case !slices.Contains(AllQuotas(), quota):
			faults = append(faults, Fault("quotas."+string(quota), message.QuotaUnknown))
		case limit < 0 || limit > LargestQuota:
			faults = append(faults, Fault("quotas."+string(quota), message.QuotaRange, int64(LargestQuota)))
		case quota == QuotaWebhooks && most > 0 && limit > most:
			faults = append(faults, Fault("quotas.webhooks", message.QuotaOfWebhooks, most))
		}
	}
	return JoinFaults(faults...)
}

// EncodeQuotas returns a tenant's limits in the form of the stores; "" for none.
func EncodeQuotas(q Quotas) string {
	if len(q) == 0 {
		return ""
	}
	text, err := json.Marshal(q)
	if err != nil { // unreachable: names and numbers can always be encoded
		return ""
	}
	return string(text)
}

// DecodeQuotas decodes the output of EncodeQuotas.
func DecodeQuotas(text string) (q Quotas, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &q)
	return q, err
}

// pendingWait is the suggested wait when too much is pending.
const pendingWait = 5 * time.Second

// Exceeded returns the error of a call that would exceed a quota: an [*Error] with code
// [RateLimited] if waiting helps, and [Invalid] otherwise.
func (q Quota) Exceeded(used, limit int64) error {
	e := q.exceeded(used, limit)
	e.Quota = string(q)
	return e
}

func (q Quota) exceeded(used, limit int64) *Error {
	switch q {
	case QuotaPendingDeliveries, QuotaPendingBytes:
		e := Fail(RateLimited, message.PendingUsedUp, q, used, limit)
		e.RetryAfter = pendingWait
		return e
	case QuotaStreams:
		e := Fail(RateLimited, message.StreamsUsedUp, q, used, limit)
		e.RetryAfter = pendingWait
		return e
	case QuotaEventsPerSecond:
		e := Fail(RateLimited, message.RateUsedUp, q, limit)
		e.RetryAfter = time.Second
		return e
	}
	return Fail(Invalid, message.QuotaUsedUp, q, used, limit)
}

// TenantUse is a tenant's use of a row quota.
type TenantUse struct {
	Tenant string
	Quotas Quotas // its own limits
	Used   int64
}

// DefaultCatalogue is the catalogue of every tenant without a Catalogue. It always exists.
const DefaultCatalogue = "default"

// MaxCatalogueLength is the maximum length of a catalogue's name, in bytes.
const MaxCatalogueLength = 64

// ValidateCatalogue checks the name of a catalogue: 1 to 64 letters, digits, dots,
// underscores and hyphens, the first of them a letter or digit. The error has code
// [Invalid] and the field "catalogue".
func ValidateCatalogue(name string) error {
	if name == "" || len(name) > MaxCatalogueLength {
		return Fault("catalogue", message.CharactersUpTo, MaxCatalogueLength)
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20-'a' <= 25 || c-'0' <= 9 || i > 0 && strings.IndexByte("._-", c) >= 0 {
			continue
		}
		return Fault("catalogue", message.NameCharacters)
	}
	return nil
}

// catalogueOr returns name, or the default catalogue for "".
func catalogueOr(name string) string {
	if name == "" {
		return DefaultCatalogue
	}
	return name
}

// CatalogueName returns the name of the catalogue that describes the tenant's events.
func (t *Tenant) CatalogueName() string { return catalogueOr(t.Catalogue) }

// EventType is an entry of a catalogue, which documents a type of event.
type EventType struct {
	Catalogue   string          // its catalogue; "" for [DefaultCatalogue]
	Name        string          // as in [Event.Type]
	Description string          // plain text, at most 4,096 characters
	Schema      json.RawMessage // JSON Schema of the data; nil for none
	Example     json.RawMessage // an example of the data; nil for none
	CreatedAt   time.Time       // UTC
	UpdatedAt   time.Time       // UTC
}

// MaxDescription is the maximum length of a description, in characters.
const MaxDescription = 4096

// maxEventTypeSchema is the maximum size of an event type's schema, and of its example, in bytes.
const maxEventTypeSchema = 64 << 10

// Validate checks the entry, but not whether Schema is a valid JSON Schema, which package
// internal/match does. The error has code [Invalid]; see [FaultsOf].
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
		if len(text.value) > maxEventTypeSchema {
			faults = append(faults, Fault(text.field, message.MoreThanKept, len(text.value), maxEventTypeSchema))
		} else if text.value != nil {
			if err := validateJSON(text.value); err != nil {
				err.Field = text.field
				faults = append(faults, err)
			}
		}
	}
	return JoinFaults(faults...)
}

// APIKey returns a text that is unique among the entries of all catalogues: the catalogue's name,
// a slash, and the type's name. Neither name contains a slash.
func (t *EventType) Key() string { return catalogueOr(t.Catalogue) + "/" + t.Name }

// EventTypeKey returns the [EventType.Key] of a type in a catalogue; "" is the default one.
func EventTypeKey(catalogue, name string) string {
	return (&EventType{Catalogue: catalogue, Name: name}).Key()
}

// EventTypesEnd returns the least text that sorts after the keys of all types of a
// catalogue, byte by byte: "0" is the character after "/".
func EventTypesEnd(catalogue string) string { return catalogueOr(catalogue) + "0" }

// SetKey sets the entry's Catalogue and Name from a [EventType.Key].
func (t *EventType) SetKey(key string) {
	t.Catalogue, t.Name, _ = strings.Cut(key, "/")
}

// TenantCounts counts the data of a tenant. A count of [MaxTenantCount] stands for that many or
// more.
type TenantCounts struct {
	Webhooks, Sources, Keys, Users, Sessions, PortalLinks, Themes int64
	Events, Deliveries, Attempts, Replays, AuditEntries           int64
}

// MaxTenantCount is the largest number in [TenantCounts].
const MaxTenantCount = 1_000_000

// TenantPurgeResult is the result of a step of deleting a tenant.
type TenantPurgeResult struct {
	// Tenant is the one that the step was about; "" when none is being deleted.
	Tenant string
	// Deleted counts the rows that the step deleted or changed. It is 0 where the step waits
	// for another one's work.
	Deleted int
	// Gone reports whether the step was the last one: the name may be used again.
	Gone bool
	// Held is the time for which the step blocked other writers.
	Held time.Duration
}

// Deletable reports why a tenant must not be deleted: [DefaultTenant] and
// [OperationsTenant] always exist. The error has code [Conflict].
func (t *Tenant) Deletable() error {
	if t.Name == DefaultTenant || t.Name == OperationsTenant {
		return Fail(Conflict, message.TenantNeeded, strconv.Quote(t.Name))
	}
	return nil
}

// ErrTenantDeleted refuses what would add to a tenant that is being deleted.
var ErrTenantDeleted = Fail(Conflict, message.TenantDeleting)
