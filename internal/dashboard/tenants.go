package dashboard

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/wire"
)

type tenantsPage struct {
	typed
	Tenants []peal.Tenant
	Formats []*wire.Format
	Search  string
	Next    string
}

type tenantPage struct {
	typed
	Tenant     peal.Tenant
	Formats    []*wire.Format
	Catalogues []string // the first of them, to choose from
	Was        string   // fingerprint of the values when the form was shown
	Theirs     []difference
	Parts      []peal.PortalPart
	Languages  []string
	Themed     bool // whether it has its own theme
	HasLogo    bool
	MayPortal  bool
	Link       string // a new portal link
	Colours    []colourField
	Quotas     []quotaField
	MayOperate bool
	MayDelete  bool
	QuotaFault map[string]string // by the field

	quotasTyped url.Values // replaces the stored values in the fields of quotas
}

// colourField is one of the colours of a theme.
type colourField struct{ Name, Mode, Part string }

func (d *Dashboard) listTenants(c *call) error { return c.showTenants(200, typed{}) }

func (c *call) showTenants(status int, form typed) error {
	query := c.r.URL.Query()
	p := tenantsPage{typed: form, Formats: c.d.Engine.Formats(), Search: findText(query)}
	tenants, next, err := manage.FindTenants(c.ctx(), c.d.Store, manage.TenantQuery{Text: p.Search, After: query.Get("after"), Limit: pageRows})
	if err != nil {
		return err
	}
	if next != "" {
		p.Next = listAddress("/tenants", "q", p.Search, "after", next)
	}
	p.Tenants = tenants
	return c.answer(status, "tenants", c.texts.get("menu.tenants"), &p)
}

func (d *Dashboard) createTenant(c *call) error {
	form, err := c.readForm()
	if err != nil {
		return err
	}
	wanted := peal.Tenant{Name: form.Value("tenant"), Description: form.Value("description"), Format: form.Value("format")}
	tenant, err := d.tenants.Create(c.ctx(), c.actor(""), wanted, nil)
	if err != nil {
		if form.refuse(c.texts, err, "tenant") {
			return c.showTenants(422, form)
		}
		return err
	}
	return c.redirect(tenantPath(tenant.Name) + "?done=tenant_created")
}

func tenantPath(name string) string { return "/tenants/" + url.PathEscape(name) }

// tenantValues returns a tenant and its theme as the values of the form.
func tenantValues(tenant *peal.Tenant, theme *peal.Theme) url.Values {
	v := url.Values{
		"description": {tenant.Description}, "format": {tenant.Format}, "catalogue": {tenant.CatalogueName()}, "theme_name": {theme.Name}, "mode": {string(theme.Mode)}, "language": {theme.Language},
	}
	for _, part := range theme.Hidden {
		v.Add("hidden", string(part))
	}
	for name, value := range coloursOf(theme) {
		v.Set(name, *value)
	}
	return v
}

// coloursOf returns the colours of a theme by the names of their fields.
func coloursOf(t *peal.Theme) map[string]*string {
	return map[string]*string{
		"light.brand": &t.Light.Brand, "light.background": &t.Light.Background, "light.surface": &t.Light.Surface, "light.text": &t.Light.Text,
		"dark.brand": &t.Dark.Brand, "dark.background": &t.Dark.Background, "dark.surface": &t.Dark.Surface, "dark.text": &t.Dark.Text,
	}
}

// fingerprint returns a hash of a form's values, to detect changes.
func fingerprint(v url.Values) string {
	sum := sha256.Sum256([]byte(v.Encode()))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func (d *Dashboard) showTenant(c *call) error { return c.tenantPage(200, &tenantPage{}) }

// tenantPage completes the page of a tenant and shows it.
func (c *call) tenantPage(status int, p *tenantPage) error {
	tenant, theme, err := c.findTenant()
	if err != nil {
		return err
	}
	stored := tenantValues(&tenant, &theme)
	p.Tenant, p.Formats, p.Was, p.Parts = tenant, c.d.Engine.Formats(), fingerprint(stored), peal.PortalParts()
	if p.Values == nil {
		p.Values = stored
	}
	if p.Catalogues, err = c.d.Store.Catalogues(c.ctx(), "", maxTypes); err != nil {
		return err
	}
	if p.Quotas, err = c.quotaFields(&tenant); err != nil {
		return err
	}
	for i := range p.Quotas {
		if q := &p.Quotas[i]; p.quotasTyped != nil {
			q.Value = p.quotasTyped.Get(q.Field)
		}
	}
	p.MayOperate = c.who.Can(identity.Operate)
	p.MayDelete = p.MayOperate && tenant.Deletable() == nil
	for language := range c.d.pages.texts {
		p.Languages = append(p.Languages, language)
	}
	slices.Sort(p.Languages)
	_, err = c.d.Store.Theme(c.ctx(), tenant.Name)
	p.Themed, p.HasLogo, p.MayPortal = err == nil, len(theme.Logo) > 0, c.who.Can(identity.Administer)
	for _, mode := range []string{"light", "dark"} {
		for _, part := range []string{"brand", "background", "surface", "text"} {
			p.Colours = append(p.Colours, colourField{mode + "." + part, mode, part})
		}
	}
	return c.answer(status, "tenant", tenant.Name, p)
}

// openPortal creates a portal link, to try the customers' view.
func (d *Dashboard) openPortal(c *call) error {
	tenant, _, err := c.findTenant()
	if err != nil {
		return err
	}
	_, token, err := d.links.Create(c.ctx(), c.actor(""), manage.NewPortalLink{Tenant: tenant.Name, Name: c.who.Name + " (dashboard)", ReadOnly: c.r.PostFormValue("read_only") != ""})
	if err != nil {
		return err
	}
	return c.tenantPage(201, &tenantPage{Link: d.identity.URL(c.r, identity.PortalPath(token))})
}

// tenantCookie remembers the tenant that an operator chose.
const tenantCookie = "peal_tenant"

func (c *call) rememberTenant(name string) {
	http.SetCookie(c.w, &http.Cookie{
		Name: tenantCookie, Value: name, Path: "/", MaxAge: int(365 * 24 * time.Hour / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.r.TLS != nil,
	})
}

// chooseTenant redirects to the pages of the tenant in a form, and remembers it for addresses
// without a tenant. A text that is not a name is searched for among the names.
func (d *Dashboard) chooseTenant(c *call) error {
	text, name, err := c.formTenant()
	if err == nil && name != peal.DefaultTenant {
		_, err = d.Store.Tenant(c.ctx(), name)
	}
	if peal.CodeOf(err) == peal.NotFound && c.who.Can(identity.Oversee) {
		return c.redirect("/tenants?" + url.Values{"q": {text}}.Encode())
	}
	if err != nil {
		return c.orGone(err, "error.no_tenant")
	}
	c.rememberTenant(name)
	c.base = c.ownBase(name)
	return c.redirect("/")
}

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
