package api

import (
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	managing "github.com/pealhq/peal/internal/manage"
)

// The parameters of the list of webhooks.
var (
	findHookParam   = param{"q", "Only those with each of these words, in any case, in the name, the host or path of the URL or the description, or at the beginning of the id.", findParam.schema}
	hookStatusParam = param{"status", "Only webhooks of this status.", huma.Schema{Type: "string", Enum: []any{"active", "paused", "disabled"}}}
	hookFormatParam = param{"format", "Only webhooks of this format.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(peal.MaxFindText)}}
	wantsParam      = param{"event", "Only webhooks that ask for events of this type. Filters are not asked.", typeParam.schema}
	orderParam      = param{"order", "The order: newest or oldest first, or by name (by the host and path of the URL for those without a name).", huma.Schema{Type: "string", Enum: []any{"newest", "oldest", "name"}, Default: "newest"}}
	webhooksParams  = []param{limitParam, cursorParam, findHookParam, hookStatusParam, hookFormatParam, wantsParam, orderParam}
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
	query := peal.WebhookQuery{
		Tenant: c.tenant, Text: q.find(), Status: peal.WebhookStatus(q.choice("status", "active", "paused", "disabled")),
		Format: q.name("format"), Event: parsed(q, "event", typeNamed), Order: peal.WebhookOrder(q.choice("order", "newest", "oldest", "name")),
	}
	kind := webhookList
	switch query.Order {
	case peal.WebhooksOldestFirst:
		kind = oldHookList
	case peal.WebhooksByName:
		kind = namedHookList
	}
	limit, cursor := q.limit(), q.cursor(kind)
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if query.Limit = limit + 1; kind == namedHookList && cursor != "" {
		query.After, err = peal.ParseWebhookPosition(cursor)
	} else {
		query.After.ID, err = idOrZero(cursor, peal.ParseWebhookID)
	}
	if err != nil {
		return err
	}
	rows, _, err := a.webhooks.Find(c.context(), query)
	if err != nil {
		return err
	}
	return c.json(200, page(kind, rows, limit, c.webhookOf, func(w *peal.Webhook) string {
		return query.PositionOf(w).String()
	}))
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
