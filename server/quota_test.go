package server_test

import (
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

// Webhooks of the configuration count for the quota of their tenant: a file with too many
// is refused at its entry, and changes nothing.
func TestManagedWebhooksCountForQuotas(t *testing.T) {
	o := options(t)
	o.Quotas = peal.Quotas{peal.QuotaWebhooks: 2}
	s := start(t, o)
	entry := func(tenant, name string) server.ManagedWebhook {
		m := managed(name, "http://127.0.0.1:9/")
		m.Settings.Tenant = tenant
		return m
	}
	list := []server.ManagedWebhook{entry("acme", "a"), entry("acme", "b"), entry("", "c"), entry("", "d"), entry("", "e")}
	_, err := s.Reload(t.Context(), append(list, entry("acme", "f")))
	if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), "webhooks[5].tenant: would have 3 webhooks with this file, and its quota webhooks is 2") {
		t.Errorf("beyond the quota: %v", err)
	}
	if changes := reload(t, s, list...); len(changes.Created) != 5 {
		t.Errorf("at the quota, after a refusal: %+v", changes)
	}
	if changes := reload(t, s, list...); changes.Unchanged != 5 {
		t.Errorf("once more: %+v", changes)
	}
}

// What one tenant may have and what one publish may do are checked together.
func TestQuotaOptions(t *testing.T) {
	o := server.DefaultOptions()
	o.Quotas = peal.Quotas{peal.QuotaWebhooks: int64(o.MaxDeliveries) + 1}
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "quotas.webhooks: must be at most limits.max_deliveries (10000)") {
		t.Errorf("more webhooks than deliveries: %v", err)
	}
	o.MaxDeliveries++
	if err := o.Validate(); err != nil {
		t.Errorf("after both were raised: %v", err)
	}
}
