// Package storetest is the conformance suite of [Store].
//
// Run tests each sentence of the comments of [Store] and peal.Store, through their methods
// alone: an implementation's own tests call it with a function that opens a store.
package storetest

import "testing"

// Open opens the store that belongs to a place: an empty directory at first. The same place again,
// after the store was closed, opens the same store with its content. An implementation without
// files uses the place as a name. Run closes what it opens; Open fails the test when it cannot
// open.
type Open func(t *testing.T, place string) Store

// Run tests the stores that open opens.
func Run(t *testing.T, open Open) {
	groups := []struct {
		name  string
		tests map[string]func(*testing.T, *harness)
	}{
		{"tenants", tenantTests},
		{"deletion of tenants", tenantDeletionTests},
		{"webhooks", webhookTests},
		{"routes", routesTests},
		{"keys", keyTests},
		{"quotas", quotaTests},
		{"event types", eventTypeTests},
		{"sources", sourceTests},
		{"users", userTests},
		{"sessions", sessionTests},
		{"portal links", portalLinkTests},
		{"audit log", auditTests},
		{"themes", themeTests},
		{"insert", insertTests},
		{"large inserts", spreadTests},
		{"duplicates", duplicateTests},
		{"settle", settleTests},
		{"claim", claimTests},
		{"release", releaseTests},
		{"nodes", nodeTests},
		{"takeover", takeoverTests},
		{"suspects", suspectTests},
		{"signals", signalTests},
		{"cancel and reopen", reopenTests},
		{"replay", replayTests},
		{"missed events", missedTests},
		{"delete", deleteTests},
		{"events", eventTests},
		{"purge", purgeTests},
		{"purge of the rest", purgeOtherTests},
		{"stats", statsTests},
		{"search", searchTests},
		{"places of searches", searchPlaceTests},
		{"search turned on and off", searchSetTests},
		{"filter errors", filterErrorTests},
		{"deliveries", deliveryTests},
		{"attempts", attemptTests},
		{"concurrency", concurrencyTests},
		{"life", lifeTests},
		{"model", modelTests},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			// The tests of a group share a store: each has tenants of its own.
			h := newHarness(t, open)
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) { test(t, h.with(t)) })
			}
		})
	}
}
