package api

import (
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

var ifMatchParam = param{"If-Match", "Change the webhook only if this is still its ETag.", huma.Schema{Type: "string", MaxLength: ptr(256)}}

// maxConflicts is how often a change is made again on the newest revision.
const maxConflicts = 5

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (a *API) listWebhooks(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(webhookList)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParseWebhookID)
	if err != nil {
		return err
	}
	rows, err := a.Store.Webhooks(c.context(), c.tenant, before, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(webhookList, rows, limit, c.webhookOf, func(w *peal.Webhook) string { return w.ID.String() }))
}

func (a *API) getWebhook(c *call) error {
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	return c.showWebhook(200, &webhook, c.webhookOf(&webhook))
}

// savedWebhookOf is webhookOf with what would keep requests from arriving now.
func (c *call) savedWebhookOf(w *peal.Webhook) WebhookShape {
	shape := c.webhookOf(w)
	shape.Warnings = c.warnings(w)
	return shape
}

// warnings returns what would keep requests from arriving now, in the words for the caller.
func (c *call) warnings(w *peal.Webhook) []string {
	return append([]string{}, dispatch.WarningsFor(c.caller.IsOperator(), c.api.Engine.Warnings(c.context(), w))...)
}

func (c *call) showWebhook(status int, w *peal.Webhook, shape any) error {
	c.Header().Set("ETag", etag(w))
	return c.json(status, shape)
}

func (a *API) createWebhook(c *call) error {
	var in webhookCreateInput
	if err := c.read(&in.WebhookInput); err != nil {
		return err
	}
	var missing faults
	if !in.URL.Given {
		missing = append(missing, fault{Location: "body.url", Message: "is missing: say where the requests go"})
	}
	if !in.Events.Given {
		missing = append(missing, fault{Location: "body.events", Message: "is missing: name event types or patterns, such as task.created, task.* or *"})
	}
	if missing != nil {
		return missing
	}
	format, err := a.defaultFormat(c)
	if err != nil {
		return err
	}
	created := now()
	webhook := peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: c.tenant, Format: format, Timeout: peal.DefaultTimeout, Status: peal.Active, UpdatedAt: created,
	}
	in.apply(&webhook, format, a.Engine, created)
	if err := a.Engine.CheckWebhook(c.context(), &webhook); err != nil {
		return err
	}
	if err := a.Engine.AskConsent(c.context(), &webhook); err != nil {
		return err
	}
	saved, err := a.Store.CreateWebhook(c.context(), webhook)
	if err != nil {
		return err
	}
	a.refresh(c)
	c.Header().Set("Location", "/v1/webhooks/"+saved.ID.String())
	c.about(saved.Tenant, saved.ID.String())
	return c.showWebhook(201, &saved, createdWebhookShape{c.savedWebhookOf(&saved), c.revealed(currentSecret(&webhook, created))})
}

// revealed returns a secret for those who may see secrets, and nil for others.
func (c *call) revealed(secret *string) *string {
	if !c.caller.Can(reveal) {
		return nil
	}
	return secret
}

// defaultFormat is the format of the tenant's new webhooks.
func (a *API) defaultFormat(c *call) (string, error) {
	tenant, err := a.Store.Tenant(c.context(), c.tenant)
	switch {
	case peal.CodeOf(err) == peal.NotFound: // the webhook will create it
		return peal.DefaultFormat, nil
	case err != nil:
		return "", err
	case tenant.Format != "":
		return tenant.Format, nil
	}
	return peal.DefaultFormat, nil
}

// refresh makes a change govern at once. The change is saved by now, so a failure is
// only logged: the engine learns of it with the next insert or refresh.
func (a *API) refresh(c *call) {
	if err := a.Engine.Refresh(c.context()); err != nil && c.context().Err() == nil {
		a.log.Warn("a change does not govern yet: the engine could not reload its routes", "request_id", c.id, "error", err)
	}
}

func (a *API) updateWebhook(c *call) error {
	var in WebhookInput
	if err := c.read(&in); err != nil {
		return err
	}
	if in.Secret.Given {
		if err := c.mustSee(peal.PartSecrets); err != nil {
			return err
		}
	}
	format, err := a.defaultFormat(c)
	if err != nil {
		return err
	}
	revived := false
	saved, err := a.changeWebhook(c, func(w *peal.Webhook) error {
		was := w.Status
		in.apply(w, format, a.Engine, now())
		revived = was == peal.Disabled && w.Status == peal.Active
		return nil
	})
	if err != nil {
		return err
	}
	a.refresh(c)
	if revived { // the engine forgives what had disabled it
		saved.Health = saved.Health.WithoutFailures()
	}
	return c.showWebhook(200, &saved, c.savedWebhookOf(&saved))
}

// changeWebhook reads the webhook that the path names, changes it and saves it; when
// somebody else changed it meanwhile, it does so again, unless the caller's If-Match
// names the revision to change.
func (a *API) changeWebhook(c *call, change func(*peal.Webhook) error) (peal.Webhook, error) {
	condition := strings.Join(c.request.Header.Values("If-Match"), ",")
	for tries := 1; ; tries++ {
		webhook, err := a.webhook(c)
		if err != nil {
			return peal.Webhook{}, err
		}
		if condition != "" && !matches(condition, etag(&webhook)) {
			return peal.Webhook{}, refuse(preconditionFailed, "the webhook has changed: its ETag is %s now", etag(&webhook))
		}
		if webhook.Managed {
			return peal.Webhook{}, managedConflict()
		}
		before := webhook
		if err := change(&webhook); err != nil {
			return peal.Webhook{}, err
		}
		webhook.UpdatedAt = now()
		if err := a.Engine.CheckWebhook(c.context(), &webhook); err != nil {
			return peal.Webhook{}, err
		}
		if needsConsent(&before, &webhook) {
			if err := a.Engine.AskConsent(c.context(), &webhook); err != nil {
				return peal.Webhook{}, err
			}
		}
		saved, err := a.Store.UpdateWebhook(c.context(), webhook)
		switch {
		case peal.CodeOf(err) == peal.Conflict && tries < maxConflicts:
			continue
		case peal.CodeOf(err) == peal.NotFound: // deleted meanwhile
			return peal.Webhook{}, refuse(notFound, "there is no such webhook")
		}
		return saved, err
	}
}

// needsConsent reports whether a change is to something that an endpoint consents to.
func needsConsent(before, after *peal.Webhook) bool {
	return before.URL != after.URL || before.Format != after.Format || before.Handshake != after.Handshake ||
		!reflect.DeepEqual(before.RateLimit, after.RateLimit)
}

func managedConflict() error {
	return refuse(conflict, "the server's configuration file owns this webhook: change it there")
}

// matches reports whether an If-Match holds for an ETag (RFC 9110, section 13.1.1).
func matches(condition, tag string) bool {
	for one := range strings.SplitSeq(condition, ",") {
		if one = strings.TrimSpace(one); one == "*" || one == tag {
			return true
		}
	}
	return false
}

func (a *API) deleteWebhook(c *call) error {
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	if webhook.Managed {
		return managedConflict()
	}
	err = a.Store.DeleteWebhook(c.context(), c.tenant, webhook.ID)
	if peal.CodeOf(err) == peal.NotFound {
		return refuse(notFound, "there is no such webhook")
	}
	if err != nil {
		return err
	}
	a.refresh(c)
	return c.empty()
}
