package server

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

// ManagedWebhook is a webhook that the configuration owns: only its entry there creates, changes
// and deletes it.
type ManagedWebhook struct {
	// Name identifies the webhook within its tenant across restarts: 1 to 128 letters, digits and
	// "._-:@", unique among the entries.
	Name string
	// Settings are the settings of the webhook. Tenant "" stands for [peal.DefaultTenant], Format
	// "" for the tenant's default, Timeout 0 for [peal.DefaultTimeout], Status "" for active.
	// Without Secrets, one is created and kept if the format always signs.
	Settings peal.Webhook
	// Policy returns the retry policy of the webhook, given the one that it would inherit; nil
	// leaves RetryPolicy of Settings as it is.
	Policy func(inherited peal.RetryPolicy) peal.RetryPolicy
}

// listed returns the list in the form of package manage.
func listed(webhooks []ManagedWebhook) []manage.ManagedWebhook {
	list := make([]manage.ManagedWebhook, len(webhooks))
	for i, w := range webhooks {
		list[i] = manage.ManagedWebhook(w)
	}
	return list
}
