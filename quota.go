package peal

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

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
	QuotaPendingDeliveries Quota = "pending_deliveries" // without a final status
	QuotaPendingBytes      Quota = "pending_bytes"      // of the data of those deliveries' events, once for each delivery
	QuotaEventsPerSecond   Quota = "events_per_second"  // that are published, in the long run, on each node
)

// AllQuotas lists the quotas in the order in which they are shown.
func AllQuotas() []Quota {
	return []Quota{
		QuotaWebhooks, QuotaSources, QuotaKeys, QuotaPortalLinks, QuotaUsers, QuotaSessions, QuotaEventTypes,
		QuotaPendingDeliveries, QuotaPendingBytes, QuotaEventsPerSecond,
	}
}

// RowQuotas lists those that a store enforces when a row is created.
func RowQuotas() []Quota {
	return []Quota{QuotaWebhooks, QuotaSources, QuotaKeys, QuotaPortalLinks, QuotaUsers, QuotaSessions}
}

// Quotas are limits by quota. 0 is no limit; a quota that is missing has the default of
// whoever asks.
type Quotas map[Quota]int64

// largestQuota keeps sums of limits and uses from overflowing.
const largestQuota = 1 << 50

// DefaultQuotas are those of a server that was told nothing.
func DefaultQuotas() Quotas {
	return Quotas{
		QuotaWebhooks: 500, QuotaSources: 100, QuotaKeys: 100, QuotaPortalLinks: 1000, QuotaUsers: 1000, QuotaSessions: 10_000, QuotaEventTypes: 10_000,
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
			faults = append(faults, Invalidf("quotas."+string(quota), "is unknown; use one of webhooks, sources, keys, portal_links, users, sessions, event_types, pending_deliveries, pending_bytes and events_per_second"))
		case limit < 0 || limit > largestQuota:
			faults = append(faults, Invalidf("quotas."+string(quota), "must be from 0 (no limit) to %d", int64(largestQuota)))
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
	switch q {
	case QuotaPendingDeliveries, QuotaPendingBytes:
		e := Errorf(RateLimited, "the quota %s is used up: %d of %d; wait until deliveries have arrived, cancel some, or ask the operator to raise it", q, used, limit)
		e.RetryAfter = pendingWait
		return e
	case QuotaEventsPerSecond:
		e := Errorf(RateLimited, "the quota %s is used up: more than %d events a second; wait before the next one", q, limit)
		e.RetryAfter = time.Second
		return e
	}
	return Errorf(Invalid, "the quota %s is used up: %d of %d; take some away, or ask the operator to raise it", q, used, limit)
}

// QuotaStore counts what tenants have. The limits of row quotas are enforced by the
// methods that create a row, in their transaction: a tenant's own limit or the store's
// default. They return [Quota.Exceeded].
type QuotaStore interface {
	// Usage counts what a tenant has of the row quotas at a moment.
	Usage(ctx context.Context, tenant string, now time.Time) (map[Quota]int64, error)
	// PendingUsage counts a tenant's pending deliveries and the bytes of their events'
	// data, looking at no more than most deliveries.
	PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error)
}
