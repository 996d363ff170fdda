package dashboard

import (
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// The lookups below are the only way for a handler to find what an address or a form names. Each is
// bound to the caller and to the tenant of the call, and returns the same NotFound for what does
// not exist and for what the caller may not see. A test ensures that no other file reads the values
// of paths.

// reach returns the tenant of the keys, users, sessions and records that the caller manages: its
// own, or "" for every tenant.
func (c *call) reach() string { return c.who.Tenant }

// name returns the value of the path's {name}, which does not belong to a tenant.
func (c *call) name() string { return c.r.PathValue("name") }

// seenTenant returns the name of a tenant for which the caller may act.
func (c *call) seenTenant(name string) (string, error) {
	if peal.ValidateTenant(name) != nil || !c.who.SeesTenant(name) {
		return "", c.gone("error.no_tenant")
	}
	return name, nil
}

// formTenant returns the text of a form's field tenant, and the tenant's name if it is one that the
// caller sees.
func (c *call) formTenant() (text, name string, err error) {
	text = strings.TrimSpace(c.r.PostFormValue("tenant"))
	name, err = c.seenTenant(text)
	return text, name, err
}

// addressedTenant returns the tenant of the page: the one in the address, or else the remembered
// one. The pages of a tenant that the caller does not see are not found.
func (c *call) addressedTenant() (string, error) {
	if name := c.r.PathValue("tenant"); name != "" {
		return c.seenTenant(name)
	}
	return c.rememberedTenant(), nil
}

// rememberedTenant returns the caller's own tenant or, for an operator, the one in the query or the
// one chosen last.
func (c *call) rememberedTenant() string {
	if c.who.Tenant != "" {
		return c.who.Tenant
	}
	if name := c.r.URL.Query().Get("tenant"); peal.ValidateTenant(name) == nil {
		return name
	}
	if cookie, err := c.r.Cookie(tenantCookie); err == nil && peal.ValidateTenant(cookie.Value) == nil {
		return cookie.Value
	}
	return peal.DefaultTenant
}

// findTenant finds the tenant that the path names, with its own theme.
func (c *call) findTenant() (peal.Tenant, peal.Theme, error) {
	name, err := c.seenTenant(c.name())
	if err != nil {
		return peal.Tenant{}, peal.Theme{}, err
	}
	tenant, err := c.d.Store.Tenant(c.ctx(), name)
	if err != nil {
		return tenant, peal.Theme{}, c.orGone(err, "error.no_tenant")
	}
	theme, err := c.d.Store.Theme(c.ctx(), tenant.Name)
	if peal.CodeOf(err) == peal.NotFound {
		err = nil
	}
	return tenant, theme, err
}

// typesToChoose returns the catalogue's first event types, for forms; with a description and an
// example only if the caller sees the catalogue.
func (c *call) typesToChoose() ([]peal.EventType, error) {
	types, err := c.eventTypes("", maxTypes)
	if !c.who.Sees(peal.PartCatalogue) {
		for i := range types {
			types[i] = peal.EventType{Name: types[i].Name}
		}
	}
	return types, err
}

// findWebhook finds the webhook that the path names.
func (c *call) findWebhook() (peal.Webhook, error) { return c.webhookOf(c.r.PathValue("id")) }

// webhookOf finds the tenant's webhook with an id.
func (c *call) webhookOf(text string) (peal.Webhook, error) {
	id, err := peal.ParseWebhookID(text)
	if err != nil {
		return peal.Webhook{}, c.gone("error.no_webhook")
	}
	w, err := c.d.Store.Webhook(c.ctx(), c.tenant, id)
	return w, c.orGone(err, "error.no_webhook")
}

// webhookID returns the id in the path, for a change that looks up the tenant's webhook itself.
func (c *call) webhookID() (peal.WebhookID, error) {
	id, err := peal.ParseWebhookID(c.r.PathValue("id"))
	if err != nil {
		return id, c.gone("error.no_webhook")
	}
	return id, nil
}

// sourceID returns the id in the path, for a change that looks up the tenant's source itself.
func (c *call) sourceID() (peal.SourceID, error) {
	id, err := peal.ParseSourceID(c.r.PathValue("id"))
	if err != nil {
		return id, c.gone("error.gone")
	}
	return id, nil
}

// findDelivery finds the delivery that the path names.
func (c *call) findDelivery() (peal.Delivery, error) {
	id, err := peal.ParseDeliveryID(c.r.PathValue("id"))
	if err != nil {
		return peal.Delivery{}, c.gone("error.no_delivery")
	}
	delivery, err := c.d.Store.Delivery(c.ctx(), c.tenant, id)
	return delivery, c.orGone(err, "error.no_delivery")
}

// findEvent finds the event that the path names.
func (c *call) findEvent() (peal.Event, error) {
	event, err := c.d.Store.Event(c.ctx(), c.tenant, c.r.PathValue("id"))
	return event, c.orGone(err, "error.no_event")
}

// findReplay finds the replay that the path names, which is one of the path's webhook.
func (c *call) findReplay() (peal.Webhook, peal.Replay, error) {
	w, err := c.findWebhook()
	if err != nil {
		return w, peal.Replay{}, err
	}
	id, err := peal.ParseJobID(c.r.PathValue("job"))
	if err != nil {
		return w, peal.Replay{}, c.gone("error.no_replay")
	}
	replay, err := c.d.Store.Replay(c.ctx(), c.tenant, id)
	if err == nil && replay.WebhookID != w.ID {
		err = c.gone("error.no_replay")
	}
	return w, replay, c.orGone(err, "error.no_replay")
}

// findSource finds the source that the path names.
func (c *call) findSource() (peal.Source, error) {
	id, err := peal.ParseSourceID(c.r.PathValue("id"))
	if err != nil {
		return peal.Source{}, c.gone("error.gone")
	}
	source, err := c.d.Store.Source(c.ctx(), c.tenant, id)
	return source, c.orGone(err, "error.gone")
}

// findUser finds the user that the path names, among those that the caller manages.
func (c *call) findUser() (peal.User, error) {
	id, err := peal.ParseUserID(c.r.PathValue("id"))
	if err != nil {
		return peal.User{}, c.gone("error.gone")
	}
	user, err := c.d.Store.User(c.ctx(), c.reach(), id)
	return user, c.orGone(err, "error.gone")
}

// keyID returns the id in the path. Every operation on the key must use [call.reach], so that
// another tenant's key is not found.
func (c *call) keyID() (peal.KeyID, error) {
	id, err := peal.ParseKeyID(c.r.PathValue("id"))
	if err != nil {
		return id, c.gone("error.gone")
	}
	return id, nil
}

// sessionID returns the id in the path, under the same condition as [call.keyID].
func (c *call) sessionID() (peal.SessionID, error) {
	id, err := peal.ParseSessionID(c.r.PathValue("id"))
	if err != nil {
		return id, c.gone("error.gone")
	}
	return id, nil
}

// tenantOfNew returns the tenant of a new resource: that of the call, or "" if the form requests an
// operator's and the caller is one.
func (c *call) tenantOfNew(form *typed) (string, error) {
	if form.Value("operator") == "" {
		return c.tenant, nil
	}
	if !c.who.IsOperator() {
		return "", c.forbidden()
	}
	return "", nil
}

// must refuses a caller who may not do action, in addition to the check of the route.
func (c *call) must(action identity.Action) error {
	if !c.who.Can(action) {
		return c.forbidden()
	}
	return nil
}

// mustSee refuses a caller from whom part is hidden, in addition to the check of the route.
func (c *call) mustSee(part peal.PortalPart) error {
	if !c.who.Sees(part) {
		return c.gone("portal.hidden")
	}
	return nil
}

func (c *call) forbidden() error {
	return peal.Errorf(peal.Forbidden, "%s", c.texts.get("error.forbidden"))
}

// gone returns the refusal for what does not exist or the caller may not see.
func (c *call) gone(key string) error { return peal.Errorf(peal.NotFound, "%s", c.texts.get(key)) }

// orGone returns err, or the refusal of gone for the store's NotFound.
func (c *call) orGone(err error, key string) error {
	if peal.CodeOf(err) == peal.NotFound {
		return c.gone(key)
	}
	return err
}
