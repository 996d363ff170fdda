package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

// The lookups below are the only way for a handler to find what a path names. Each is bound to the
// caller's tenant, and returns the same NotFound for what does not exist and for what the caller
// may not see. A test ensures that no other file reads the values of paths.

// noSuch starts the message about a thing that does not exist, here and in the stores.
const noSuch = "there is no such "

// missing returns the refusal for what does not exist or the caller may not see.
func missing(thing string) error { return refuse(notFound, noSuch+"%s", thing) }

// prefixes are the beginnings of ids. An event has an id of its publisher's choice.
var prefixes = []struct{ thing, prefix string }{
	{"webhook", "webhook_"}, {"delivery", "delivery_"}, {"replay", "job_"}, {"source", "source_"}, {"user", "user_"},
	{"session", "session_"}, {"key", "key_"}, {"portal link", "link_"},
}

// withName returns err, or a refusal with the caller's own name for a thing that the path names and
// that does not exist. Where that cannot be an id of such a thing, it adds what is asked for.
func (c *call) withName(err error) error {
	if err == nil {
		return nil
	}
	r := translate(err)
	thing, ok := strings.CutPrefix(r.detail, noSuch)
	if !ok || r.kind.status != notFound.status {
		return err
	}
	name := c.target()
	if name == "" {
		name = c.request.PathValue("source")
	}
	if name == "" {
		return err
	}
	return refuse(notFound, "%s", c.missingNamed(thing, name))
}

// missingNamed returns the message about a thing that does not exist under a name of the path.
func (c *call) missingNamed(thing, name string) string {
	message := fmt.Sprintf("there is no %s %q", thing, short(name))
	if c.request.PathValue("id") == "" {
		return message
	}
	for _, p := range prefixes {
		if p.thing != thing && strings.HasPrefix(name, p.prefix) {
			return message + "; that is the id of a " + p.thing
		}
	}
	for _, p := range prefixes {
		if p.thing == thing && !strings.HasPrefix(name, p.prefix) {
			return message + "; give its id, which starts with " + p.prefix
		}
	}
	return message
}

// orMissing returns err, or the refusal of missing for the store's NotFound.
func orMissing(err error, thing string) error {
	if peal.CodeOf(err) == peal.NotFound {
		return missing(thing)
	}
	return err
}

// pathID returns the id in the path.
func pathID[ID any](c *call, parse func(string) (ID, error), thing string) (ID, error) {
	id, err := parse(c.request.PathValue("id"))
	if err != nil {
		return id, missing(thing)
	}
	return id, nil
}

// pathName returns the name of an event type or a tenant in the path.
func (c *call) pathName() string { return c.request.PathValue("name") }

// target returns the id or name in the path, for the audit log.
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

// user finds the user that the path names: one of the caller's tenant, or of any tenant for an
// operator.
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

var ifMatchParam = param{"If-Match", "Change it only if this is still its ETag.", huma.Schema{Type: "string"}}

// etag returns the entity tag of a revision (RFC 9110, section 8.8.3).
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// revised answers with a value and the ETag of its revision.
func (c *call) revised(status int, revision int64, value any) error {
	c.Header().Set("ETag", etag(revision))
	return c.json(status, value)
}

// ifRevision refuses a change if the current revision is not in the caller's If-Match.
func (c *call) ifRevision(thing string, revision int64) error {
	condition := strings.Join(c.request.Header.Values("If-Match"), ",")
	if condition != "" && !matches(condition, etag(revision)) {
		return refuse(preconditionFailed, "the %s has changed; its ETag is now %s", thing, etag(revision))
	}
	return nil
}

// matches reports whether an If-Match condition is true for an ETag (RFC 9110, section 13.1.1).
func matches(condition, tag string) bool {
	for one := range strings.SplitSeq(condition, ",") {
		if one = strings.TrimSpace(one); one == "*" || one == tag {
			return true
		}
	}
	return false
}
