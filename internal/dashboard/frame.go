package dashboard

import (
	"net/http"
	"slices"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// frame holds the parts around every page.
type frame struct {
	Title, Page string
	Language    string
	Tenant      string
	Who         string
	IsOperator  bool
	CanChange   bool
	CanPublish  bool
	CanReveal   bool
	Now         time.Time
	Zone        string // its name
	ZoneLabel   string
	ZoneChosen  bool
	Here        string            // the address of the page, to return to; "" for none
	Hidden      []peal.PortalPart // parts hidden from the caller
	Menu        []menuItem
	Tenants     []string // the first ones for an operator's choice
	Notice      string   // reports the last action
	Brand       string   // the name on the pages
	Home        string   // the link of the brand
	HasLogo     bool     // whether the portal's theme has a logo
	InPortal    bool
	Ended       bool   // the portal session has ended, and the embedding page is asked for a new link
	ThemeFixed  bool   // whether the reader cannot choose light or dark
	Theme       string // light or dark if the reader chose one; "" for the system's
}

// Sees reports whether a part is open to the caller.
func (f *frame) Sees(part peal.PortalPart) bool { return !slices.Contains(f.Hidden, part) }

// menuItem is a row of the menu.
type menuItem struct {
	Key     string // of its text
	Path    string
	Count   string
	Current bool
	Heading bool
}

// menuTenants is the number of tenants to choose from; others are typed or searched for.
const menuTenants = 100

func (c *call) frame(name, title string) (*frame, error) {
	f := &frame{
		Title: title, Page: name, Language: c.texts.language, Tenant: c.tenant, Who: c.who.Name, IsOperator: c.who.IsOperator(),
		CanChange: c.who.Can(identity.Manage), CanPublish: c.who.Can(identity.Publish), CanReveal: c.who.Can(identity.Reveal), Now: c.now, Notice: c.notice(), Theme: c.theme(),
		Hidden: c.who.Hidden, Brand: ownName, Home: "/", Zone: c.zone.String(), ZoneLabel: zoneLabel(c.zone, c.now), ZoneChosen: c.chosen,
	}
	if c.r.Method == http.MethodGet && !c.byScript() {
		f.Here = c.r.URL.RequestURI()
	}
	if name == "" {
		return f, nil
	}
	if f.IsOperator {
		tenants, err := c.d.Store.Tenants(c.ctx(), "", menuTenants)
		if err != nil {
			return nil, err
		}
		for i := range tenants {
			f.Tenants = append(f.Tenants, tenants[i].Name)
		}
	}
	var err error
	if f.Menu, err = c.menu(name); err == nil && c.portal != nil {
		c.portal.look(f, &c.who)
	}
	return f, err
}

// menuCount is the limit up to which rows are counted for the menu.
const menuCount = 100

// menu returns the menu with the page's row marked.
func (c *call) menu(name string) ([]menuItem, error) {
	webhooks, err := c.d.Store.Count(c.ctx(), c.tenant, peal.QuotaWebhooks, c.now, menuCount+1)
	if err != nil {
		return nil, err
	}
	catalogue, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	types, err := c.d.Store.CountEventTypes(c.ctx(), catalogue, menuCount+1)
	if err != nil {
		return nil, err
	}
	items := []menuItem{
		{Key: "menu.overview", Path: "/"},
		{Key: "menu.webhooks", Path: "/webhooks", Count: c.upTo(int(webhooks))},
		{Key: "menu.deliveries", Path: "/deliveries"},
		{Key: "menu.events", Path: "/events"},
		{Key: "menu.catalogue", Path: "/catalogue", Count: c.upTo(int(types))},
		{Key: "menu.quotas", Path: "/quotas"},
	}
	section := map[string]string{
		"overview": "/", "webhooks": "/webhooks", "webhook": "/webhooks", "webhook_form": "/webhooks", "webhook_test": "/webhooks",
		"webhook_secret": "/webhooks", "webhook_code": "/webhooks", "webhook_replay": "/webhooks", "webhook_delete": "/webhooks",
		"deliveries": "/deliveries", "delivery": "/deliveries", "events": "/events", "event": "/events", "publish": "/events",
		"catalogue": "/catalogue", "event_type": "/catalogue", "quotas": "/quotas",
	}[name]
	if section == "" {
		section = settingsSections[name]
	}
	items = append(items, c.settingsMenu()...)
	for i := range items {
		items[i].Current = items[i].Path != "" && items[i].Path == section
	}
	return items, nil
}

// upTo formats a count of rows that stops at menuCount.
func (c *call) upTo(n int) string {
	if n > menuCount {
		return c.texts.number(menuCount) + "+"
	}
	return c.texts.number(n)
}

// theme returns the theme that the reader chose, which static/app.js keeps in a cookie.
func (c *call) theme() string {
	if cookie, err := c.r.Cookie("peal_theme"); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		return cookie.Value
	}
	return ""
}
