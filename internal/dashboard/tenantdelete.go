package dashboard

import (
	"strings"

	"github.com/pealhq/peal"
)

type tenantDeletePage struct {
	Tenant   peal.Tenant
	Deleting bool
	Counts   []tenantCount
	Fault    string
}

// tenantCount is a number of a tenant's rows of one kind.
type tenantCount struct {
	Kind  string
	Count int64
}

// tenantDeleteForm shows what would be deleted with a tenant, or is left of it, and asks for its
// name.
func (d *Dashboard) tenantDeleteForm(c *call) error { return c.askTenantDelete(200, "") }

func (c *call) askTenantDelete(status int, fault string) error {
	tenant, _, err := c.findTenant()
	if err != nil {
		return err
	}
	n, err := c.d.tenants.Count(c.ctx(), tenant.Name)
	if err != nil {
		return err
	}
	p := tenantDeletePage{Tenant: tenant, Deleting: !tenant.DeletingSince.IsZero(), Fault: fault}
	for _, one := range []tenantCount{
		{"webhooks", n.Webhooks}, {"sources", n.Sources}, {"keys", n.Keys}, {"users", n.Users}, {"sessions", n.Sessions}, {"portal_links", n.PortalLinks}, {"themes", n.Themes},
		{"events", n.Events}, {"deliveries", n.Deliveries}, {"attempts", n.Attempts}, {"replays", n.Replays}, {"audit_entries", n.AuditEntries},
	} {
		p.Counts = append(p.Counts, tenantCount{c.texts.get("tenant_delete.counts." + one.Kind), one.Count})
	}
	return c.answer(status, "tenant_delete", c.texts.get("delete.title", "name", tenant.Name), p)
}

// deleteTenant starts to delete a tenant after its name was typed.
func (d *Dashboard) deleteTenant(c *call) error {
	tenant, _, err := c.findTenant()
	if err != nil {
		return err
	}
	if strings.TrimSpace(c.r.PostFormValue("name")) != tenant.Name {
		return c.askTenantDelete(422, c.texts.get("delete.other_name", "name", tenant.Name))
	}
	if _, err := d.tenants.Delete(c.ctx(), c.actor(""), tenant.Name); err != nil {
		return c.orGone(err, "error.no_tenant")
	}
	return c.redirect("/tenants?done=tenant_deleting")
}
