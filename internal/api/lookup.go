package api

import (
	"github.com/pealhq/peal"
)

// The lookups below are the only way in which a handler gets what an address names. Each
// is bound to the caller's tenant, and answers NotFound alike for what does not exist and
// for what the caller does not see. A test holds that no other file reads a path's values.

// missing is the answer for what the caller does not see, whether or not it exists.
func missing(thing string) error { return refuse(notFound, "there is no such %s", thing) }

// orMissing puts the store's NotFound into the answer's words.
func orMissing(err error, thing string) error {
	if peal.CodeOf(err) == peal.NotFound {
		return missing(thing)
	}
	return err
}

// pathID returns the id that the path names.
func pathID[ID any](c *call, parse func(string) (ID, error), thing string) (ID, error) {
	id, err := parse(c.request.PathValue("id"))
	if err != nil {
		return id, missing(thing)
	}
	return id, nil
}

// pathName returns the name of an event type or a tenant that the path names.
func (c *call) pathName() string { return c.request.PathValue("name") }

// target returns what the path names, for the audit log.
func (c *call) target() string {
	if id := c.request.PathValue("id"); id != "" {
		return id
	}
	return c.pathName()
}

// webhook finds the webhook that the path names.
func (a *API) webhook(c *call) (peal.Webhook, error) {
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return peal.Webhook{}, err
	}
	webhook, err := a.Store.Webhook(c.context(), c.tenant, id)
	return webhook, orMissing(err, "webhook")
}

// delivery finds the delivery that the path names.
func (a *API) delivery(c *call) (peal.Delivery, error) {
	id, err := pathID(c, peal.ParseDeliveryID, "delivery")
	if err != nil {
		return peal.Delivery{}, err
	}
	delivery, err := a.Store.Delivery(c.context(), c.tenant, id)
	return delivery, orMissing(err, "delivery")
}

// pathEvent finds the event that the path names.
func (a *API) pathEvent(c *call) (peal.Event, error) { return a.event(c, c.request.PathValue("id")) }

// replay finds the replay that the path names.
func (a *API) replay(c *call) (peal.Replay, error) {
	id, err := pathID(c, peal.ParseJobID, "replay")
	if err != nil {
		return peal.Replay{}, err
	}
	replay, err := a.Store.Replay(c.context(), c.tenant, id)
	return replay, orMissing(err, "replay")
}

// source finds the source that the path names.
func (a *API) source(c *call) (peal.Source, error) {
	id, err := pathID(c, peal.ParseSourceID, "source")
	if err != nil {
		return peal.Source{}, err
	}
	source, err := a.Store.Source(c.context(), c.tenant, id)
	return source, orMissing(err, "source")
}

// inbound finds the source that the path of a sender's request names.
func (a *API) inbound(c *call) (peal.Source, error) {
	tenant := c.request.PathValue("tenant")
	if tenant == "" {
		tenant = peal.DefaultTenant
	}
	source, err := a.Intake.Source(c.context(), tenant, c.request.PathValue("source"))
	return source, orMissing(err, "source")
}

// user finds the user that the path names, one of the caller's tenant or any of an
// operator's.
func (a *API) user(c *call) (peal.User, error) {
	id, err := pathID(c, peal.ParseUserID, "user")
	if err != nil {
		return peal.User{}, err
	}
	user, err := a.Store.User(c.context(), c.tenantOrAll(), id)
	if err == nil {
		c.about(user.Tenant, user.ID.String())
	}
	return user, orMissing(err, "user")
}

// namedTenant finds the tenant that the path names.
func (a *API) namedTenant(c *call) (peal.Tenant, error) {
	name := c.pathName()
	if peal.ValidateTenant(name) != nil || !c.caller.SeesTenant(name) {
		return peal.Tenant{}, missing("tenant")
	}
	tenant, err := a.Store.Tenant(c.context(), name)
	return tenant, orMissing(err, "tenant")
}
