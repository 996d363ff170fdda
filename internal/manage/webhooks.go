package manage

import (
	"context"
	"reflect"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// Engine is the part of *[dispatch.Engine] that webhooks use.
type Engine interface {
	CreateWebhook(ctx context.Context, w peal.Webhook) (peal.Webhook, error)
	ChangeWebhook(ctx context.Context, tenant string, id peal.WebhookID, change func(*peal.Webhook) error) (peal.Webhook,
		error)
	DeleteWebhook(ctx context.Context, tenant string, id peal.WebhookID) error
	CompleteWebhook(ctx context.Context, before, w *peal.Webhook) error
	DefaultFormat(ctx context.Context, tenant string) (string, error)
	Format(name string) (*wire.Format, bool)
	Test(ctx context.Context, tenant string, id peal.WebhookID,
		eventType string, data []byte) (peal.Delivery, peal.Attempt, error)
	FindWebhooks(ctx context.Context, q peal.WebhookQuery) (found []peal.Webhook, total int, err error)
}

var _ Engine = (*dispatch.Engine)(nil)

// Finder reads webhooks.
type Finder interface {
	Webhook(ctx context.Context, tenant string, id peal.WebhookID) (peal.Webhook, error)
	Webhooks(ctx context.Context, tenant string, before peal.WebhookID, limit int) ([]peal.Webhook, error)
}

// Webhooks creates, changes and deletes the webhooks of all tenants.
type Webhooks struct {
	finder Finder
	engine Engine
}

// NewWebhooks returns Webhooks that work on finder and engine.
func NewWebhooks(finder Finder, engine Engine) *Webhooks {
	return &Webhooks{finder: finder, engine: engine}
}

// Change modifies the settings of a webhook. Secrets that the actor may not read are
// [peal.HiddenSecret] in it, and keep their values if they stay so; see [Webhooks.Shown].
type Change func(*peal.Webhook) error

// Draft returns a new webhook of a tenant with its defaults, without storing it.
func (m *Webhooks) Draft(ctx context.Context, tenant string) (peal.Webhook, error) {
	format, err := m.engine.DefaultFormat(ctx, tenant)
	return peal.Webhook{ID: peal.NewWebhookID(), Tenant: tenant, Format: format, Timeout: peal.DefaultTimeout,
		Status: peal.Active}, err
}

// Create creates a webhook; see [dispatch.Engine.CreateWebhook]. fault holds faults that the caller
// has found, or is nil; the error includes them.
func (m *Webhooks) Create(ctx context.Context, actor Actor, draft peal.Webhook, fault error) (peal.Webhook, error) {
	draft.Author = actor.author()
	if fault != nil {
		return peal.Webhook{}, peal.JoinFaults(fault, m.engine.CompleteWebhook(ctx, nil, &draft))
	}
	saved, err := m.engine.CreateWebhook(ctx, draft)
	if err != nil {
		return peal.Webhook{}, err
	}
	actor.record(saved.Tenant, "webhook.create", saved.ID.String(), "")
	return saved, nil
}

// Change applies change to the latest settings of a webhook, and repeats that after a conflict; see
// [dispatch.Engine.ChangeWebhook]. The webhook that change gets has its Revision, so that change
// can refuse another one than the caller knows. detail describes the change for the audit log.
func (m *Webhooks) Change(ctx context.Context, actor Actor, tenant string, id peal.WebhookID, detail string,
	change Change) (peal.Webhook, error) {
	saved, err := m.change(ctx, actor, tenant, id, change)
	if err == nil {
		actor.record(tenant, "webhook.update", saved.ID.String(), detail)
	}
	return saved, err
}

func (m *Webhooks) change(ctx context.Context, actor Actor, tenant string, id peal.WebhookID,
	change Change) (peal.Webhook, error) {
	return m.engine.ChangeWebhook(ctx, tenant, id, func(w *peal.Webhook) error {
		if w.Managed {
			return ErrManaged
		}
		moved, err := apply(actor, w, change)
		return peal.JoinFaults(err, moved)
	})
}

// apply applies an actor's change to a stored webhook. moved has a fault for each secret that must
// not be sent to the webhook's new target.
func apply(actor Actor, w *peal.Webhook, change Change) (moved, err error) {
	before := *w
	*w = hide(actor, w)
	err = change(w)
	moved = keep(&before, w)
	if w.Status != before.Status && w.StatusReason == before.StatusReason {
		w.StatusReason = "" // a person's choice needs no reason
	}
	if decides(&before, w) {
		w.Author = actor.author()
	}
	return moved, err
}

// decides reports whether a change makes its actor the author of a webhook: every one except of its
// status or its secrets, which change neither the target nor the content of requests.
func decides(before, after *peal.Webhook) bool {
	a, b := *before, *after
	a.Status, a.StatusReason, a.Secrets = b.Status, b.StatusReason, b.Secrets
	return !reflect.DeepEqual(a, b)
}

// Shown returns a webhook as the actor may see it in a form: values that it may not read are
// [peal.HiddenSecret], which a change keeps.
func (m *Webhooks) Shown(actor Actor, w *peal.Webhook) peal.Webhook { return hide(actor, w) }

// Try returns a webhook with a change applied, complete and checked, to show its effect; a nil
// change leaves it as it is. The result must not be stored or used to send.
func (m *Webhooks) Try(ctx context.Context, actor Actor, w peal.Webhook, change Change) (peal.Webhook, error) {
	before := w
	if before.UpdatedAt.IsZero() {
		w.Author = actor.author() // a draft
	}
	if change != nil {
		if _, err := apply(actor, &w, change); err != nil { // nothing is sent, so secrets may stay
			return w, err
		}
	}
	return w, m.engine.CompleteWebhook(ctx, &before, &w)
}

// Test sends one event to a webhook and returns the result; see [dispatch.Engine.Test].
func (m *Webhooks) Test(ctx context.Context, actor Actor, tenant string, id peal.WebhookID,
	eventType string, data []byte) (peal.Delivery, peal.Attempt, error) {
	delivery, attempt, err := m.engine.Test(ctx, tenant, id, eventType, data)
	if err == nil {
		actor.record(tenant, "webhook.test", id.String(), delivery.EventType)
	}
	return delivery, attempt, err
}

// Delete deletes a webhook; see [dispatch.Engine.DeleteWebhook].
func (m *Webhooks) Delete(ctx context.Context, actor Actor, tenant string, id peal.WebhookID) error {
	w, err := m.finder.Webhook(ctx, tenant, id)
	if err != nil {
		return err
	}
	if w.Managed {
		return ErrManaged
	}
	if err := m.engine.DeleteWebhook(ctx, tenant, id); err != nil {
		return err
	}
	actor.record(tenant, "webhook.delete", id.String(), "")
	return nil
}

// Rotation asks for a new secret.
type Rotation struct {
	// Secret is the new secret; "" creates one.
	Secret string
	// Overlap is the time that earlier secrets stay valid, 0 to [peal.MaxSecretOverlap].
	Overlap time.Duration
}

// validate checks the rotation against the current secrets.
func (r *Rotation) validate(current []peal.Secret) error {
	if r.Overlap < 0 || r.Overlap > peal.MaxSecretOverlap {
		return peal.Fault("overlap_seconds", message.OverlapRange)
	}
	if r.Secret != "" && len(current) > 0 && current[0].Value == r.Secret {
		return peal.Fault("secret", message.SecretSame)
	}
	return nil
}

// RotateSecret sets a new secret of a webhook. previous is the time at which the earlier one stops
// signing; zero if it has, or there was none. allowed may refuse the webhook; nil allows any. The
// error has code [peal.Conflict] if the format does not sign.
func (m *Webhooks) RotateSecret(ctx context.Context, actor Actor, tenant string, id peal.WebhookID, rotation Rotation,
	allowed Change) (w peal.Webhook, secret string, previous time.Time, err error) {
	w, err = m.change(ctx, actor, tenant, id, func(w *peal.Webhook) error {
		if allowed != nil {
			if err := allowed(w); err != nil {
				return err
			}
		}
		format, known := m.engine.Format(w.Format)
		if !known || format.Secrets == wire.SecretNone {
			return peal.Fail(peal.Conflict, message.FormatUnsigned, w.Format)
		}
		if err := rotation.validate(w.Secrets); err != nil {
			return err
		}
		secret = rotation.Secret
		if secret == "" {
			secret = format.FreshSecret()
		}
		if err := format.CheckSecret(secret); err != nil {
			return err
		}
		w.Secrets, previous = peal.RotateSecrets(w.Secrets, secret, peal.ChangedAt(w.CreatedAt()), rotation.Overlap)
		return nil
	})
	if err != nil {
		return peal.Webhook{}, "", time.Time{}, err
	}
	actor.record(tenant, "webhook.rotate_secret", w.ID.String(), "")
	return w, secret, previous, nil
}

// RevealSecret returns a webhook and the secret that signs, or "", after recording that in the
// audit log.
func (m *Webhooks) RevealSecret(ctx context.Context, actor Actor, tenant string,
	id peal.WebhookID) (peal.Webhook, string, error) {
	w, err := m.finder.Webhook(ctx, tenant, id)
	if err != nil {
		return peal.Webhook{}, "", err
	}
	secret := ""
	if active := w.ActiveSecrets(time.Now()); len(active) > 0 {
		secret = active[0]
	}
	if err := actor.reveal(tenant, "webhook.reveal_secret", w.ID.String(), ""); err != nil {
		return peal.Webhook{}, "", err
	}
	return w, secret, nil
}
