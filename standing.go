package peal

import "time"

// StandingLooked is how many failing webhooks, and how many of the oldest pending deliveries,
// [StatsStore] looks at for a [Standing].
const StandingLooked = 1000

// Standing is what needs somebody among all tenants.
type Standing struct {
	// Failing are active webhooks of which the last attempt failed, those first that have
	// failed for longest.
	Failing []FailingWebhook
	// Problems are what failed, the latest first.
	Problems []TenantProblem
	// Waiting are the tenants of the oldest deliveries that no node holds, the oldest first.
	Waiting []TenantWaiting
}

// FailingWebhook is a webhook that fails.
type FailingWebhook struct {
	Tenant    string
	WebhookID WebhookID
	Since     time.Time // UTC
}

// TenantProblem is a problem of a tenant's webhook.
type TenantProblem struct {
	Tenant string
	Problem
}

// TenantWaiting is what a tenant has among the oldest pending deliveries.
type TenantWaiting struct {
	Tenant     string
	Deliveries int       // at most [StandingLooked]
	Oldest     time.Time // when the oldest of them was created, in UTC
}
