package dashboard

import (
	"net/http"
	"net/url"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// settingsRoutes returns the routes of keys, users, tenants and the server itself.
func (d *Dashboard) settingsRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	const keys, administer, oversee, operate, manage = identity.Keys, identity.Administer, identity.Oversee, identity.Operate, identity.Manage
	return []route{
		{get, "/all", oversee, d.overviewOfAll},
		{get, "/tenants", oversee, d.listTenants},
		{post, "/tenants", operate, d.createTenant},
		{get, "/tenants/{name}", oversee, d.showTenant},
		{post, "/tenants/{name}", operate, d.saveTenant},
		{post, "/tenants/{name}/quotas", operate, d.saveQuotas},
		{post, "/tenants/{name}/theme/delete", operate, d.deleteTheme},
		{post, "/tenants/{name}/portal", administer, d.openPortal},
		{get, "/tenants/{name}/delete", operate, d.tenantDeleteForm},
		{post, "/tenants/{name}/delete", operate, d.deleteTenant},

		{get, "/keys", keys, d.listKeys},
		{post, "/keys", keys, d.createKey},
		{post, "/keys/{id}/revoke", keys, d.revokeKey},

		{get, "/users", administer, d.listUsers},
		{post, "/users", administer, d.createUser},
		{get, "/users/{id}", administer, d.showUser},
		{post, "/users/{id}", administer, d.saveUser},
		{post, "/users/{id}/delete", administer, d.deleteUser},
		{post, "/sessions/{id}/revoke", administer, d.revokeSession},

		{get, "/sources", manage, d.listSources},
		{post, "/sources", manage, d.createSource},
		{get, "/sources/{id}", manage, d.editSource},
		{post, "/sources/{id}", manage, d.saveSource},
		{post, "/sources/{id}/secret/rotate", manage, d.rotateSource},
		{post, "/sources/{id}/status", manage, d.setSourceStatus},
		{post, "/sources/{id}/delete", manage, d.deleteSource},

		{get, "/audit", administer, d.listAudit},
		{get, "/audit/export", administer, d.exportAudit},
		{get, "/presets", operate, d.listPresets},
		{post, "/presets/{name}", operate, d.applyPreset},
		{get, "/nodes", oversee, d.listNodes},
		{get, "/server", oversee, d.showServer},
	}
}

// settingsMenu returns the rows of the menu for callers who may manage settings.
func (c *call) settingsMenu() []menuItem {
	if c.portal != nil {
		return nil
	}
	var items []menuItem
	for _, row := range []struct {
		key, path string
		needs     identity.Action
	}{
		{"menu.all", "/all", identity.Oversee}, {"menu.tenants", "/tenants", identity.Oversee}, {"menu.keys", "/keys", identity.Keys}, {"menu.users", "/users", identity.Administer},
		{"menu.sources", "/sources", identity.Manage}, {"menu.presets", "/presets", identity.Operate}, {"menu.audit", "/audit", identity.Administer},
		{"menu.nodes", "/nodes", identity.Oversee}, {"menu.server", "/server", identity.Oversee},
	} {
		if c.who.Can(row.needs) {
			items = append(items, menuItem{Key: row.key, Path: row.path})
		}
	}
	if len(items) == 0 {
		return nil
	}
	return append([]menuItem{{Key: "menu.operator", Heading: true}}, items...)
}

// settingsSections maps pages to their rows of the menu.
var settingsSections = map[string]string{
	"all": "/all", "tenants": "/tenants", "tenant": "/tenants", "tenant_delete": "/tenants", "keys": "/keys", "users": "/users", "user": "/users", "sources": "/sources", "source": "/sources",
	"presets": "/presets", "audit": "/audit", "nodes": "/nodes", "server": "/server",
}

// typed holds the values typed into a form, with their faults.
type typed struct {
	Values url.Values
	Faults map[string]string
}

// Value returns the value of a field.
func (f *typed) Value(name string) string { return f.Values.Get(name) }

// Has reports whether a box is ticked.
func (f *typed) Has(name, value string) bool {
	for _, v := range f.Values[name] {
		if v == value {
			return true
		}
	}
	return false
}

// Fault returns the fault of a field; "" for none.
func (f *typed) Fault(name string) string { return f.Faults[name] }

// readForm reads the typed values.
func (c *call) readForm() (typed, error) {
	err := c.r.ParseForm()
	return typed{c.r.PostForm, map[string]string{}}, err
}

// refuse adds an error to its field; it returns false if the error has no field. A conflict is a
// fault of the field naming.
func (f *typed) refuse(t *texts, err error, naming string) bool {
	if naming != "" && peal.CodeOf(err) == peal.Conflict {
		f.Faults[naming] = t.messageOf(err)
		return true
	}
	faults := peal.FaultsOf(err)
	for _, one := range faults {
		field, message, ok := t.formField(one)
		if !ok {
			return false
		}
		if f.Faults[field] == "" {
			f.Faults[field] = message
		}
	}
	return len(faults) > 0
}

// recordFor adds an action for a tenant, or for the whole server, to the audit log.
func (c *call) recordFor(tenant, action, target, detail string) error {
	return c.d.identity.Record(c.r, c.who, identity.Entry{Tenant: tenant, Action: action, Target: target, Detail: detail})
}
