package api

import (
	"net/http"
	"slices"

	"github.com/pealhq/peal"
)

// routes is the table of all routes.
func (a *API) routes() []route {
	return slices.Concat(a.eventRoutes(), a.webhookRoutes(), a.laneRoutes(), a.deliveryRoutes(), a.replayRoutes(), a.catalogueRoutes(), a.sourceRoutes(), a.intakeRoutes(), a.accountRoutes(), a.identityRoutes(), a.encryptionRoutes(), a.nodeRoutes(), a.serverRoutes())
}

func (a *API) eventRoutes() []route {
	return []route{{
		method: http.MethodPost, path: "/v1/events", id: "publish-event", tag: "Events", access: publish, body: eventInput{},
		summary:     "Publish an event",
		description: "The answer comes after the event and its deliveries are durable. It names the webhooks that the event goes to, so that an empty list explains why nothing happens. Publishing the same id with the same content again changes nothing and answers 200 with the first event.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "Accepted: it will be delivered.", body: publishedShape{}},
			{status: http.StatusOK, doc: "A duplicate: this id was published before, with the same content.", body: publishedShape{}},
		},
		errors: []kind{conflict, rateLimited}, handle: a.publishEvent,
	}, {
		method: http.MethodPost, path: "/v1/events/batch", id: "publish-events", tag: "Events", access: publish, body: batchInput{},
		summary:     "Publish up to 1,000 events",
		description: "All of them are accepted, or none. Duplicates in the batch are no error.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "Accepted. The rows are in the order of the events.", body: publishedBatchShape{}},
			{status: http.StatusOK, doc: "All of them are duplicates.", body: publishedBatchShape{}},
		},
		errors: []kind{conflict, rateLimited}, handle: a.publishBatch,
	}, {
		method: http.MethodGet, path: "/v1/events", id: "list-events", tag: "Events", access: read, part: peal.PartEvents,
		summary: "List events, newest first", description: searchNote,
		query:   []param{limitParam, cursorParam, typeParam, textParam, sinceParam, untilParam},
		answers: ok("A page of events, without their data.", listShape[eventRowShape]{}), handle: a.listEvents,
	}, {
		method: http.MethodGet, path: "/v1/events/{id}", id: "get-event", tag: "Events", access: read, part: peal.PartEvents,
		summary: "Show an event with its data and deliveries",
		answers: ok("The event.", eventShape{}), handle: a.getEvent,
	}, {
		method: http.MethodGet, path: "/v1/events/{id}/missed", id: "get-event-missed", tag: "Events", access: read, part: peal.PartEvents,
		summary: "Show who did not get an event, and why", description: "Each of the tenant's webhooks without a delivery of the event is in one group, by the first reason that holds as far as it can be known now.",
		answers: ok("The groups.", missedShape{}), handle: a.getMissed,
	}}
}

func (a *API) webhookRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/webhooks", id: "list-webhooks", tag: "Webhooks", access: read, query: webhooksParams,
		summary: "List webhooks, newest first", description: "`q`, `status`, `format` and `event` narrow the list, and `order` changes its order.",
		answers: ok("A page of webhooks.", listShape[WebhookShape]{}), handle: a.listWebhooks,
	}, {
		method: http.MethodPost, path: "/v1/webhooks", id: "create-webhook", tag: "Webhooks", access: manage, audit: "webhook.create", body: webhookCreateInput{},
		summary: "Create a webhook",
		answers: []answer{{
			status: http.StatusCreated, doc: "The webhook with, this once, its secret.", body: createdWebhookShape{},
			headers: map[string]string{"Location": "The webhook's path.", "ETag": etagHeaders["ETag"]},
		}}, errors: []kind{conflict}, handle: a.createWebhook,
	}, {
		method: http.MethodGet, path: "/v1/webhooks/{id}", id: "get-webhook", tag: "Webhooks", access: read,
		summary: "Show a webhook",
		answers: []answer{{status: http.StatusOK, doc: "The webhook.", body: WebhookShape{}, headers: etagHeaders}}, handle: a.getWebhook,
	}, {
		method: http.MethodPatch, path: "/v1/webhooks/{id}", id: "update-webhook", tag: "Webhooks", access: manage, audit: "webhook.update", body: WebhookInput{}, headers: []param{ifMatchParam},
		summary:     "Change a webhook",
		description: "Members that are absent stay as they are; null takes the default again. A webhook that the configuration file owns cannot be changed.",
		answers:     []answer{{status: http.StatusOK, doc: "The changed webhook.", body: WebhookShape{}, headers: etagHeaders}},
		errors:      []kind{conflict, preconditionFailed}, handle: a.updateWebhook,
	}, {
		method: http.MethodDelete, path: "/v1/webhooks/{id}", id: "delete-webhook", tag: "Webhooks", access: manage, audit: "webhook.delete",
		summary: "Delete a webhook", description: "Its pending deliveries are canceled; its history stays.",
		answers: []answer{{status: http.StatusNoContent, doc: "Deleted."}},
		errors:  []kind{conflict}, handle: a.deleteWebhook,
	}, {
		method: http.MethodGet, path: "/v1/webhooks/{id}/secret", id: "get-webhook-secret", tag: "Webhooks", access: reveal, part: peal.PartSecrets, audit: "webhook.reveal_secret",
		summary: "Show a webhook's secret",
		answers: ok("The secret that signs; null when there is none.", secretShape{}), handle: a.getSecret,
	}, {
		method: http.MethodPost, path: "/v1/webhooks/{id}/secret/rotate", id: "rotate-webhook-secret", tag: "Webhooks", access: manage, part: peal.PartSecrets, audit: "webhook.rotate_secret", body: rotateInput{}, bodyOptional: true, headers: []param{ifMatchParam},
		summary:     "Give a webhook a new secret",
		description: "During the overlap both secrets sign, so that the receiver can change over. At most five secrets sign at once; the oldest stop first.",
		answers:     ok("The new secret.", rotationShape{}), errors: []kind{conflict, preconditionFailed}, handle: a.rotateSecret,
	}, {
		method: http.MethodPost, path: "/v1/webhooks/{id}/test", id: "test-webhook", tag: "Webhooks", access: manage, part: peal.PartTests, audit: "webhook.test", body: testInput{}, bodyOptional: true,
		summary:     "Send a test event to a webhook at once",
		description: "One attempt is made, also while the webhook is paused or disabled, and its outcome is the answer.",
		answers:     ok("The attempt was made, whether or not the endpoint accepted it.", testResultShape{}), errors: []kind{conflict, rateLimited}, handle: a.testWebhook,
	}, {
		method: http.MethodPost, path: "/v1/webhooks/{id}/preview", id: "preview-webhook", tag: "Webhooks", access: manage, body: previewInput{}, bodyOptional: true,
		summary:     "Show what a webhook would do with events",
		description: "For an event of your own, the catalogue's example of a type, or the tenant's newest events (at most one of these; the first type in the catalogue that the webhook wants otherwise): whether the webhook matches, and the exact request. Nothing is sent or stored. Settings under webhook are tried without being saved.",
		answers:     ok("What it would do, for each event.", previewsShape{}), handle: a.previewWebhook,
	}, {
		method: http.MethodGet, path: "/v1/webhooks/{id}/deliveries", id: "list-webhook-deliveries", tag: "Webhooks", access: read, part: peal.PartDeliveries, query: deliveryParams,
		summary: "List a webhook's deliveries, newest first", description: searchNote,
		answers: ok("A page of deliveries.", listShape[DeliveryShape]{}), handle: a.listWebhookDeliveries,
	}}
}

func (a *API) deliveryRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/deliveries", id: "list-deliveries", tag: "Deliveries", access: read, part: peal.PartDeliveries, query: append([]param{webhookParam}, deliveryParams...),
		summary: "List deliveries, newest first", description: searchNote,
		answers: ok("A page of deliveries.", listShape[DeliveryShape]{}), handle: a.listDeliveries,
	}, {
		method: http.MethodGet, path: "/v1/deliveries/{id}", id: "get-delivery", tag: "Deliveries", access: read, part: peal.PartDeliveries,
		summary: "Show a delivery",
		answers: ok("The delivery, with what to do where it fails.", deliveryDetailShape{}), handle: a.getDelivery,
	}, {
		method: http.MethodGet, path: "/v1/deliveries/{id}/attempts", id: "list-attempts", tag: "Deliveries", access: read, part: peal.PartDeliveries,
		summary: "List a delivery's attempts, the first one first",
		answers: ok("All attempts.", listShape[attemptShape]{}), handle: a.listAttempts,
	}, {
		method: http.MethodPost, path: "/v1/deliveries/{id}/retry", id: "retry-delivery", tag: "Deliveries", access: manage, part: peal.PartDeliveries, audit: "delivery.retry", body: nothing{}, bodyOptional: true,
		summary: "Try a delivery again now", description: "It begins a new round of the retry policy.",
		answers: []answer{{status: http.StatusAccepted, doc: "It is due now.", body: deliveryDetailShape{}}},
		errors:  []kind{conflict, rateLimited}, handle: a.retryDelivery,
	}, {
		method: http.MethodPost, path: "/v1/deliveries/{id}/cancel", id: "cancel-delivery", tag: "Deliveries", access: manage, part: peal.PartDeliveries, audit: "delivery.cancel", body: nothing{}, bodyOptional: true,
		summary: "Cancel a pending delivery",
		answers: ok("It is canceled.", deliveryDetailShape{}), errors: []kind{conflict}, handle: a.cancelDelivery,
	}}
}

func (a *API) catalogueRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/event-types", id: "list-event-types", tag: "Event types", access: read, part: peal.PartCatalogue, query: append(slices.Clone(pageParams), findTypeParam, groupParam, catalogueParam),
		summary: "List the catalogue of event types, by name",
		answers: ok("A page of event types.", listShape[eventTypeShape]{}), handle: a.listEventTypes,
	}, {
		method: http.MethodGet, path: "/v1/event-types/{name}", id: "get-event-type", tag: "Event types", access: read, part: peal.PartCatalogue, query: []param{catalogueParam},
		summary: "Show an event type",
		answers: ok("The event type.", eventTypeShape{}), handle: a.getEventType,
	}, {
		method: http.MethodPut, path: "/v1/event-types/{name}", id: "put-event-type", tag: "Event types", access: operate, audit: "event_type.put", query: []param{catalogueParam}, body: eventTypeInput{},
		summary: "Add or replace an event type",
		answers: []answer{
			{status: http.StatusOK, doc: "Replaced.", body: eventTypeShape{}},
			{status: http.StatusCreated, doc: "Added.", body: eventTypeShape{}},
		}, handle: a.putEventType,
	}, {
		method: http.MethodDelete, path: "/v1/event-types/{name}", id: "delete-event-type", tag: "Event types", access: operate, audit: "event_type.delete", query: []param{catalogueParam},
		summary: "Take an event type out of the catalogue", description: "Events of the type can still be published.",
		answers: []answer{{status: http.StatusNoContent, doc: "Deleted."}}, handle: a.deleteEventType,
	}, {
		method: http.MethodGet, path: "/v1/catalogues", id: "list-catalogues", tag: "Event types", access: oversee, query: pageParams,
		summary: "List the catalogues that have event types", description: "A tenant uses one of them, `default` unless its `catalogue` names another.",
		answers: ok("A page of catalogues.", listShape[catalogueShape]{}), handle: a.listCatalogues,
	}}
}

func (a *API) accountRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/tenants", id: "list-tenants", tag: "Tenants", access: oversee, query: append(slices.Clone(pageParams), findParam),
		summary: "List tenants, by name", description: "With `q`, a page may have fewer rows than the limit, or none, and yet not be the last one.",
		answers: ok("A page of tenants.", listShape[tenantShape]{}), handle: a.listTenants,
	}, {
		method: http.MethodPost, path: "/v1/tenants", id: "create-tenant", tag: "Tenants", access: operate, audit: "tenant.create", body: tenantCreateInput{},
		summary: "Create a tenant", description: "The first event, webhook or key of a tenant creates it too.",
		answers: []answer{{status: http.StatusCreated, doc: "The tenant.", body: tenantShape{}, headers: map[string]string{"Location": "The tenant's path.", "ETag": etagHeaders["ETag"]}}},
		errors:  []kind{conflict}, handle: a.createTenant,
	}, {
		method: http.MethodGet, path: "/v1/tenants/{name}", id: "get-tenant", tag: "Tenants", access: oversee,
		summary: "Show a tenant",
		answers: []answer{{status: http.StatusOK, doc: "The tenant.", body: tenantShape{}, headers: etagHeaders}}, handle: a.getTenant,
	}, {
		method: http.MethodPatch, path: "/v1/tenants/{name}", id: "update-tenant", tag: "Tenants", access: operate, audit: "tenant.update", body: tenantInput{}, headers: []param{ifMatchParam},
		summary: "Change a tenant", description: "Members that are absent stay as they are; null takes the default again.",
		answers: []answer{{status: http.StatusOK, doc: "The changed tenant.", body: tenantShape{}, headers: etagHeaders}}, errors: []kind{conflict, preconditionFailed}, handle: a.updateTenant,
	}, {
		method: http.MethodDelete, path: "/v1/tenants/{name}", id: "delete-tenant", tag: "Tenants", access: operate, audit: "tenant.delete",
		query:   []param{countParam},
		summary: "Delete a tenant with all its data",
		description: "Webhooks, sources, keys, users, sessions, portal links, events, deliveries, attempts, replays, the theme and the tenant's audit log. At once its keys and sessions let nobody in and its events are refused with 409. " +
			"The data is deleted in the background, also after a restart, and the tenant with the last of it; then its name can be used again. Catalogues stay. The tenants default and peal cannot be deleted.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "The tenant, which is being deleted.", body: tenantShape{}},
			{status: http.StatusOK, doc: "With dry_run: what would be deleted.", body: tenantDataShape{}},
		},
		errors: []kind{conflict}, handle: a.deleteTenant,
	}, {
		method: http.MethodGet, path: "/v1/tenants/{name}/quotas", id: "get-tenant-quotas", tag: "Tenants", access: oversee,
		summary: "Show a tenant's quotas with their use",
		answers: ok("Every quota.", quotasShape{}), handle: a.tenantQuotas,
	}, {
		method: http.MethodGet, path: "/v1/quotas", id: "get-quotas", tag: "Tenants", access: read,
		summary: "Show the own tenant's quotas with their use",
		answers: ok("Every quota.", quotasShape{}), handle: a.ownQuotas,
	}, {
		method: http.MethodGet, path: "/v1/keys", id: "list-keys", tag: "Keys", access: manageKeys, query: append([]param{operatorParam}, pageParams...),
		summary: "List the tenant's keys, newest first, revoked ones included",
		answers: ok("A page of keys, without their text.", listShape[KeyShape]{}), handle: a.listKeys,
	}, {
		method: http.MethodPost, path: "/v1/keys", id: "create-key", tag: "Keys", access: manageKeys, audit: "key.create", body: keyInput{},
		summary: "Create a key", description: "A tenant's key can create keys of its tenant with scopes that it has itself.",
		answers: []answer{{status: http.StatusCreated, doc: "The key with, this once, its text.", body: createdKeyShape{}}}, errors: []kind{conflict}, handle: a.createKey,
	}, {
		method: http.MethodDelete, path: "/v1/keys/{id}", id: "revoke-key", tag: "Keys", access: manageKeys, audit: "key.revoke",
		summary: "Revoke a key", description: "Once this is answered, no node lets it in any more.",
		answers: []answer{{status: http.StatusNoContent, doc: "Revoked."}}, handle: a.revokeKey,
	}}
}

func (a *API) serverRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/healthz", id: "health", tag: "Server", access: public,
		summary: "Whether the process serves",
		answers: ok("It does.", statusShape{}), handle: a.health,
	}, {
		method: http.MethodGet, path: "/readyz", id: "ready", tag: "Server", access: public,
		summary: "Whether the server takes and delivers events now",
		answers: ok("It does.", readyShape{}), errors: []kind{unavailable}, handle: a.ready,
	}, {
		method: http.MethodGet, path: "/version", id: "version", tag: "Server", access: public,
		summary: "What runs",
		answers: ok("The version.", versionShape{}), handle: a.version,
	}, {
		method: http.MethodGet, path: "/v1/ip-ranges", id: "ip-ranges", tag: "Server", access: public,
		summary: "Where requests to endpoints come from", description: "The networks that the operator has published, for the firewalls of endpoints. Without any, requests may come from anywhere.",
		answers: ok("The networks.", rangesShape{}), handle: a.ipRanges,
	}, {
		method: http.MethodGet, path: "/metrics", id: "metrics", tag: "Server", access: metrics,
		summary: "Metrics for Prometheus", description: "Give Prometheus a key with the scope `metrics` as its bearer token; such a key opens nothing else. No label names a tenant, a webhook or a URL.",
		answers: []answer{{status: http.StatusOK, doc: "The metrics in the text format.", body: "", media: "text/plain"}}, handle: a.metrics,
	}, {
		method: http.MethodGet, path: "/v1/openapi.json", id: "openapi-json", tag: "Server", access: public,
		summary: "This document as JSON",
		answers: ok("The document.", object{}), handle: a.openAPIJSON,
	}, {
		method: http.MethodGet, path: "/v1/openapi.yaml", id: "openapi-yaml", tag: "Server", access: public,
		summary: "This document as YAML",
		answers: []answer{{status: http.StatusOK, doc: "The document.", body: object{}, media: yamlType}}, handle: a.openAPIYAML,
	}, {
		method: http.MethodGet, path: "/docs", id: "docs", tag: "Server", access: public,
		summary: "This document as a page",
		answers: []answer{{status: http.StatusOK, doc: "The page.", body: "", media: "text/html"}}, handle: a.docsPage,
	}, {
		method: http.MethodGet, path: "/docs/style.css", id: "docs-style", tag: "Server", access: public,
		summary: "The page's style sheet",
		answers: []answer{{status: http.StatusOK, doc: "The style sheet.", body: "", media: "text/css"}}, handle: a.docsStyle,
	}}
}
