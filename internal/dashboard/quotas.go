package dashboard

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/message"
)

// quotaField is a quota of a tenant, with the field for its own limit.
type quotaField struct {
	dispatch.QuotaUse
	Field, Value string
	Fixed        bool // whether tenants cannot have their own limit
}

// quotaFields returns the quotas of a tenant for its page.
func (c *call) quotaFields(tenant *peal.Tenant) ([]quotaField, error) {
	list, err := c.d.Engine.Quotas(c.ctx(), tenant.Name)
	if err != nil {
		return nil, err
	}
	fields := make([]quotaField, len(list))
	for i, use := range list {
		fields[i] = quotaField{QuotaUse: use, Field: "quotas." + string(use.Quota), Fixed: use.Quota == peal.QuotaEventTypes}
		if limit, own := tenant.Quotas[use.Quota]; own {
			fields[i].Value = strconv.FormatInt(limit, 10)
		}
	}
	return fields, nil
}

// showQuotas shows a tenant its quotas and their usage. A portal guest sees only those about
// webhooks, without keys and users.
func (d *Dashboard) showQuotas(c *call) error {
	list, err := d.Engine.Quotas(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	if c.portal != nil {
		list = slices.DeleteFunc(list, func(use dispatch.QuotaUse) bool {
			return !slices.Contains([]peal.Quota{peal.QuotaWebhooks, peal.QuotaStreams, peal.QuotaPendingDeliveries, peal.QuotaPendingBytes, peal.QuotaEventsPerSecond}, use.Quota)
		})
	}
	return c.page("quotas", c.texts.get("menu.quotas"), list)
}

// saveQuotas saves a tenant's own limits.
func (d *Dashboard) saveQuotas(c *call) error {
	form, err := c.readForm()
	if err != nil {
		return err
	}
	tenant, _, err := c.findTenant()
	if err != nil {
		return err
	}
	quotas, fault := quotasIn(&form)
	_, err = d.tenants.Change(c.ctx(), c.actor(""), tenant.Name, "quotas", func(t *peal.Tenant) error {
		t.Quotas = quotas
		return fault
	})
	if faults := peal.FaultsOf(err); faults != nil {
		p := &tenantPage{quotasTyped: form.Values, QuotaFault: map[string]string{}}
		for _, one := range faults {
			p.QuotaFault[one.Field] = c.texts.fault(one)
		}
		return c.tenantPage(422, p)
	}
	if err != nil {
		return err
	}
	return c.redirect(tenantPath(tenant.Name) + "?done=tenant_saved")
}

// quotasIn reads the limits from a form; an empty field stands for the server's.
func quotasIn(form *typed) (peal.Quotas, error) {
	var quotas peal.Quotas
	var faults []error
	for _, quota := range peal.AllQuotas() {
		field := "quotas." + string(quota)
		text := strings.TrimSpace(form.Value(field))
		if text == "" || quota == peal.QuotaEventTypes {
			continue
		}
		limit, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			faults = append(faults, peal.Fault(field, message.NotWhole))
			continue
		}
		if quotas == nil {
			quotas = peal.Quotas{}
		}
		quotas[quota] = limit
	}
	return quotas, peal.JoinFaults(faults...)
}
