package dashboard

import (
	"net/http"

	"github.com/pealhq/peal/internal/identity"
)

type route struct {
	method, path string
	need         identity.Action
	handle       func(*call) error
}

// routes returns the table of all pages and of the actions of their forms.
func (d *Dashboard) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	const see, change, publish, reveal = identity.Read, identity.Manage, identity.Publish, identity.Reveal
	return append(d.settingsRoutes(), []route{
		{get, "/account", see, d.showAccount},
		{post, "/account/password", see, d.changePassword},
		{post, "/account/sessions/{id}/revoke", see, d.endOwnSession},
		{get, "/{$}", see, d.overview},
		{get, "/overview/stream", see, d.streamOverview},
		{post, "/tenant", see, d.chooseTenant},
		{post, "/zone", see, d.chooseZone},
		{get, "/welcome/echo", change, d.welcome},
		{post, "/welcome/webhook", change, d.welcomeWebhook},
		{post, "/welcome/event", publish, d.welcomeEvent},

		{get, "/webhooks", see, d.webhooks},
		{get, "/webhooks/new", change, d.newWebhook},
		{post, "/webhooks", change, d.createWebhook},
		{post, "/webhooks/preview", change, d.previewWebhook},
		{get, "/webhooks/{id}", see, d.webhook},
		{get, "/webhooks/{id}/stream", see, d.streamWebhook},
		{get, "/webhooks/{id}/edit", change, d.editWebhook},
		{post, "/webhooks/{id}/edit", change, d.saveWebhook},
		{post, "/webhooks/{id}/status", change, d.setStatus},
		{get, "/webhooks/{id}/test", change, d.testForm},
		{post, "/webhooks/{id}/test", change, d.sendTest},
		{get, "/webhooks/{id}/secret", change, d.secretPage},
		{post, "/webhooks/{id}/secret/reveal", reveal, d.revealSecret},
		{post, "/webhooks/{id}/secret/rotate", change, d.rotateSecret},
		{get, "/webhooks/{id}/code", see, d.codePage},
		{get, "/webhooks/{id}/replay", change, d.replayForm},
		{post, "/webhooks/{id}/replay/count", change, d.countReplay},
		{post, "/webhooks/{id}/replay", change, d.startReplay},
		{get, "/webhooks/{id}/replays/{job}", see, d.replayProgress},
		{post, "/webhooks/{id}/replays/{job}/cancel", change, d.cancelReplay},
		{get, "/webhooks/{id}/delete", change, d.deleteForm},
		{post, "/webhooks/{id}/delete", change, d.deleteWebhook},

		{get, "/deliveries", see, d.deliveries},
		{get, "/deliveries/stream", see, d.streamDeliveries},
		{post, "/deliveries/retry", change, d.retryMany},
		{get, "/deliveries/{id}", see, d.delivery},
		{post, "/deliveries/{id}/retry", change, d.retryDelivery},
		{post, "/deliveries/{id}/cancel", change, d.cancelDelivery},

		{get, "/events", see, d.events},
		{get, "/events/{id}", see, d.event},
		{get, "/publish", publish, d.publishForm},
		{post, "/publish", publish, d.publish},
		{get, "/catalogue", see, d.catalogue},
		{get, "/catalogue/{name}", see, d.eventType},
		{get, "/quotas", see, d.showQuotas},
	}...)
}
