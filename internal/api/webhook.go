package api

import (
	"errors"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	managing "github.com/pealhq/peal/internal/manage"
)

func now() time.Time { return peal.Now() }

// ofWebhook words an error about a webhook.
func ofWebhook(err error) error {
	if errors.Is(err, managing.ErrManaged) {
		return refuse(conflict, "%s", managing.ErrManaged.Message)
	}
	return orMissing(err, "webhook")
}

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
	return c.revised(status, w.Revision, shape)
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
	draft, err := a.webhooks.Draft(c.context(), c.tenant)
	if err != nil {
		return err
	}
	in.apply(&draft, draft.Format, a.Engine)
	saved, err := a.webhooks.Create(c.context(), c.actor(), draft, nil)
	if err != nil {
		return err
	}
	c.Header().Set("Location", "/v1/webhooks/"+saved.ID.String())
	return c.showWebhook(201, &saved, createdWebhookShape{c.savedWebhookOf(&saved), c.revealed(currentSecret(&saved, now()))})
}

// revealed returns a secret for those who may see secrets, and nil for others.
func (c *call) revealed(secret *string) *string {
	if !c.caller.Can(reveal) {
		return nil
	}
	return secret
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
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	format, err := a.Engine.DefaultFormat(c.context(), c.tenant)
	if err != nil {
		return err
	}
	saved, err := a.webhooks.Change(c.context(), c.actor(), c.tenant, id, c.audit.detail, func(w *peal.Webhook) error {
		if err := c.ifMatch(w); err != nil {
			return err
		}
		in.apply(w, format, a.Engine)
		return nil
	})
	if err != nil {
		return ofWebhook(err)
	}
	return c.showWebhook(200, &saved, c.savedWebhookOf(&saved))
}

// ifMatch refuses a webhook that is not as the caller's If-Match has it.
func (c *call) ifMatch(w *peal.Webhook) error { return c.ifRevision("webhook", w.Revision) }

func (a *API) deleteWebhook(c *call) error {
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	if err := a.webhooks.Delete(c.context(), c.actor(), c.tenant, id); err != nil {
		return ofWebhook(err)
	}
	return c.empty()
}
