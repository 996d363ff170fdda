package api

import (
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

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
		description: "The answer is sent when the event and its deliveries are durable. It lists the webhooks that get the event, so that an empty list explains why nothing happens. Publishing the same id with the same content again changes nothing and returns 200 with the first event.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "Accepted: it will be delivered.", body: publishedShape{}},
			{status: http.StatusOK, doc: "A duplicate: this id was published before, with the same content.", body: publishedShape{}},
		},
		errors: []kind{conflict, rateLimited}, handle: a.publishEvent,
	}, {
		method: http.MethodPost, path: "/v1/events/batch", id: "publish-events", tag: "Events", access: publish, body: batchInput{},
		summary:     "Publish up to 1,000 events",
		description: "All of them are accepted, or none. Duplicates in the batch are not an error.",
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
		summary: "Show which webhooks did not get an event, and why", description: "Each of the tenant's webhooks without a delivery of the event is in one group, by the first reason that is known to apply.",
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
			status: http.StatusCreated, doc: "The webhook with its secret, which is shown only once.", body: createdWebhookShape{},
			headers: map[string]string{"Location": "The webhook's path.", "ETag": etagHeaders["ETag"]},
		}}, errors: []kind{conflict}, handle: a.createWebhook,
	}, {
		method: http.MethodGet, path: "/v1/webhooks/{id}", id: "get-webhook", tag: "Webhooks", access: read,
		summary: "Show a webhook",
		answers: []answer{{status: http.StatusOK, doc: "The webhook.", body: WebhookShape{}, headers: etagHeaders}}, handle: a.getWebhook,
	}, {
		method: http.MethodPatch, path: "/v1/webhooks/{id}", id: "update-webhook", tag: "Webhooks", access: manage, audit: "webhook.update", body: WebhookInput{}, headers: []param{ifMatchParam},
		summary:     "Change a webhook",
		description: "Absent members stay as they are; null restores the default. A webhook that the configuration file owns cannot be changed.",
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
		summary:     "Rotate a webhook's secret",
		description: "During the overlap both secrets sign, so that the receiver can switch. At most five secrets sign at once; the oldest stop first.",
		answers:     ok("The new secret.", rotationShape{}), errors: []kind{conflict, preconditionFailed}, handle: a.rotateSecret,
	}, {
		method: http.MethodPost, path: "/v1/webhooks/{id}/test", id: "test-webhook", tag: "Webhooks", access: manage, part: peal.PartTests, audit: "webhook.test", body: testInput{}, bodyOptional: true,
		summary:     "Send a test event to a webhook at once",
		description: "It makes one attempt, even while the webhook is paused or disabled, and returns its outcome.",
		answers:     ok("The attempt was made, whether or not the endpoint accepted it.", testResultShape{}), errors: []kind{conflict, rateLimited}, handle: a.testWebhook,
	}, {
		method: http.MethodPost, path: "/v1/webhooks/{id}/preview", id: "preview-webhook", tag: "Webhooks", access: manage, body: previewInput{}, bodyOptional: true,
		summary:     "Show what a webhook would do with events",
		description: "Returns whether the webhook matches, and the exact request, for an event in the body, the catalogue's example of a type, or the tenant's newest events (at most one of these; by default the first type in the catalogue to which the webhook subscribes). Nothing is sent or stored. Settings under webhook are tried without being saved.",
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
		answers: ok("The delivery, with a remedy if it failed.", deliveryDetailShape{}), handle: a.getDelivery,
	}, {
		method: http.MethodGet, path: "/v1/deliveries/{id}/attempts", id: "list-attempts", tag: "Deliveries", access: read, part: peal.PartDeliveries,
		summary: "List a delivery's attempts, the first one first",
		answers: ok("All attempts.", listShape[attemptShape]{}), handle: a.listAttempts,
	}, {
		method: http.MethodPost, path: "/v1/deliveries/{id}/retry", id: "retry-delivery", tag: "Deliveries", access: manage, part: peal.PartDeliveries, audit: "delivery.retry", body: nothing{}, bodyOptional: true,
		summary: "Try a delivery again now", description: "It starts a new round of the retry policy.",
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
		summary: "Delete an event type from the catalogue", description: "Events of the type can still be published.",
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
		summary: "Create a tenant", description: "The first event, webhook or key of a tenant creates it, too.",
		answers: []answer{{status: http.StatusCreated, doc: "The tenant.", body: tenantShape{}, headers: map[string]string{"Location": "The tenant's path.", "ETag": etagHeaders["ETag"]}}},
		errors:  []kind{conflict}, handle: a.createTenant,
	}, {
		method: http.MethodGet, path: "/v1/tenants/{name}", id: "get-tenant", tag: "Tenants", access: oversee,
		summary: "Show a tenant",
		answers: []answer{{status: http.StatusOK, doc: "The tenant.", body: tenantShape{}, headers: etagHeaders}}, handle: a.getTenant,
	}, {
		method: http.MethodPatch, path: "/v1/tenants/{name}", id: "update-tenant", tag: "Tenants", access: operate, audit: "tenant.update", body: tenantInput{}, headers: []param{ifMatchParam},
		summary: "Change a tenant", description: "Absent members stay as they are; null restores the default.",
		answers: []answer{{status: http.StatusOK, doc: "The changed tenant.", body: tenantShape{}, headers: etagHeaders}}, errors: []kind{conflict, preconditionFailed}, handle: a.updateTenant,
	}, {
		method: http.MethodDelete, path: "/v1/tenants/{name}", id: "delete-tenant", tag: "Tenants", access: operate, audit: "tenant.delete",
		query:   []param{countParam},
		summary: "Delete a tenant with all its data",
		description: "Webhooks, sources, keys, users, sessions, portal links, events, deliveries, attempts, replays, the theme and the tenant's audit log. Its keys and sessions stop working at once, and its events are refused with 409. " +
			"The data is deleted in the background, also after a restart, and the tenant with the last of it; then its name can be used again. Catalogues stay. The tenants default and peal cannot be deleted.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "The tenant, which is being deleted.", body: tenantShape{}},
			{status: http.StatusOK, doc: "With dry_run: what would be deleted.", body: tenantDataShape{}},
		},
		errors: []kind{conflict}, handle: a.deleteTenant,
	}, {
		method: http.MethodGet, path: "/v1/tenants/{name}/quotas", id: "get-tenant-quotas", tag: "Tenants", access: oversee,
		summary: "Show a tenant's quotas with their usage",
		answers: ok("Every quota.", quotasShape{}), handle: a.tenantQuotas,
	}, {
		method: http.MethodGet, path: "/v1/quotas", id: "get-quotas", tag: "Tenants", access: read,
		summary: "Show the quotas of the caller's tenant with their usage",
		answers: ok("Every quota.", quotasShape{}), handle: a.ownQuotas,
	}, {
		method: http.MethodGet, path: "/v1/keys", id: "list-keys", tag: "Keys", access: manageKeys, query: append([]param{operatorParam}, listParams...),
		summary: "List the tenant's keys, newest first, revoked ones included", description: inOrder,
		answers: ok("A page of keys, without their text.", listShape[KeyShape]{}), handle: a.listKeys,
	}, {
		method: http.MethodPost, path: "/v1/keys", id: "create-key", tag: "Keys", access: manageKeys, audit: "key.create", body: keyInput{},
		summary: "Create a key", description: "A tenant's key can create keys of its tenant with any of its own scopes.",
		answers: []answer{{status: http.StatusCreated, doc: "The key with its text, which is shown only once.", body: createdKeyShape{}}}, errors: []kind{conflict}, handle: a.createKey,
	}, {
		method: http.MethodDelete, path: "/v1/keys/{id}", id: "revoke-key", tag: "Keys", access: manageKeys, audit: "key.revoke",
		summary: "Revoke a key", description: "After the answer, no node accepts it any more.",
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
		summary: "Whether the server accepts and delivers events now",
		answers: ok("It does.", readyShape{}), errors: []kind{unavailable}, handle: a.ready,
	}, {
		method: http.MethodGet, path: "/version", id: "version", tag: "Server", access: public,
		summary: "Show the version",
		answers: ok("The version.", versionShape{}), handle: a.version,
	}, {
		method: http.MethodGet, path: "/v1/ip-ranges", id: "ip-ranges", tag: "Server", access: public,
		summary: "List the networks that send requests to endpoints", description: "The networks that the operator has published, for the firewalls of endpoints. If the list is empty, requests may come from anywhere.",
		answers: ok("The networks.", rangesShape{}), handle: a.ipRanges,
	}, {
		method: http.MethodGet, path: "/metrics", id: "metrics", tag: "Server", access: metrics,
		summary: "Metrics for Prometheus", description: "Use a key with the scope `metrics` as the bearer token of Prometheus; such a key allows nothing else. No label names a tenant, a webhook or a URL.",
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

var (
	userParam   = param{"user", "Only this user's.", huma.Schema{Type: "string", Format: ruleUserID}}
	actorParam  = param{"actor", "Only actions of the key, user or portal link with this id or name.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(256)}}
	actionParam = param{"action", "Only this action, such as webhook.update.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(64)}}
	targetParam = param{"target", "Only actions on the resource with this id or name.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(256)}}
	formatParam = param{"format", "ndjson: one JSON object a line; csv: with a line of names first.", huma.Schema{Type: "string", Enum: []any{"ndjson", "csv"}, Default: "ndjson"}}
	auditParams = []param{actorParam, actionParam, targetParam, sinceParam, untilParam}
)

const ofAllTenants = "An operator sees those of every tenant, or with the header `Peal-Tenant` those of one."

func (a *API) identityRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/users", id: "list-users", tag: "Users", access: administer, query: listParams,
		summary: "List users, newest first", description: ofAllTenants + " " + inOrder,
		answers: ok("A page of users.", listShape[userShape]{}), handle: a.listUsers,
	}, {
		method: http.MethodPost, path: "/v1/users", id: "create-user", tag: "Users", access: administer, audit: "user.create", body: userCreateInput{},
		summary: "Create a user", description: "The user belongs to the tenant of the call, or to every tenant with operator.",
		answers: []answer{{status: http.StatusCreated, doc: "The user.", body: userShape{}, headers: map[string]string{"Location": "The user's path.", "ETag": etagHeaders["ETag"]}}},
		errors:  []kind{conflict}, handle: a.createUser,
	}, {
		method: http.MethodGet, path: "/v1/users/{id}", id: "get-user", tag: "Users", access: administer,
		summary: "Show a user",
		answers: []answer{{status: http.StatusOK, doc: "The user.", body: userShape{}, headers: etagHeaders}}, handle: a.getUser,
	}, {
		method: http.MethodPatch, path: "/v1/users/{id}", id: "update-user", tag: "Users", access: administer, audit: "user.update", body: userInput{}, headers: []param{ifMatchParam},
		summary: "Change a user", description: "Members that are absent stay as they are. All of the user's sessions end.",
		answers: []answer{{status: http.StatusOK, doc: "The changed user.", body: userShape{}, headers: etagHeaders}}, errors: []kind{conflict, preconditionFailed}, handle: a.updateUser,
	}, {
		method: http.MethodDelete, path: "/v1/users/{id}", id: "delete-user", tag: "Users", access: administer, audit: "user.delete",
		summary: "Delete a user", description: "All of the user's sessions end.",
		answers: []answer{{status: http.StatusNoContent, doc: "Deleted."}}, handle: a.deleteUser,
	}, {
		method: http.MethodDelete, path: "/v1/users/{id}/sessions", id: "revoke-user-sessions", tag: "Users", access: administer, audit: "user.sign_out",
		summary: "End all sessions of a user",
		answers: ok("The number of sessions that ended.", revokedShape{}), handle: a.revokeUserSessions,
	}, {
		method: http.MethodGet, path: "/v1/sessions", id: "list-sessions", tag: "Users", access: administer, query: append([]param{userParam}, pageParams...),
		summary: "List sessions, newest first, ended ones included", description: ofAllTenants + " Sessions that ended over 30 days ago are forgotten.",
		answers: ok("A page of sessions.", listShape[sessionShape]{}), handle: a.listSessions,
	}, {
		method: http.MethodDelete, path: "/v1/sessions/{id}", id: "revoke-session", tag: "Users", access: administer, audit: "session.revoke",
		summary: "End a session", description: "The user must sign in again.",
		answers: []answer{{status: http.StatusNoContent, doc: "Ended."}}, handle: a.revokeSession,
	}, {
		method: http.MethodGet, path: "/v1/portal-links", id: "list-portal-links", tag: "Portal", access: administer, query: pageParams,
		summary: "List portal links, newest first", description: ofAllTenants + " Links that expired over 30 days ago are forgotten.",
		answers: ok("A page of links, without their tokens.", listShape[PortalLinkShape]{}), handle: a.listPortalLinks,
	}, {
		method: http.MethodPost, path: "/v1/portal-links", id: "create-portal-link", tag: "Portal", access: administer, audit: "portal_link.create", body: portalLinkInput{},
		summary:     "Create a portal link",
		description: "The first person to open the link gets a session for the webhooks of the tenant of the call, and no other. A link works once: create one each time a customer asks for the page.",
		answers:     []answer{{status: http.StatusCreated, doc: "The link with, this once, its URL.", body: createdPortalLinkShape{}}}, errors: []kind{conflict}, handle: a.createPortalLink,
	}, {
		method: http.MethodDelete, path: "/v1/portal-links/{id}", id: "revoke-portal-link", tag: "Portal", access: administer, audit: "portal_link.revoke",
		summary: "Revoke a portal link", description: "The session that it started ends.",
		answers: []answer{{status: http.StatusNoContent, doc: "Revoked."}}, handle: a.revokePortalLink,
	}, {
		method: http.MethodGet, path: "/v1/audit-log", id: "list-audit-log", tag: "Audit log", access: administer, query: append(append([]param{}, auditParams...), pageParams...),
		summary: "List who did what, newest first", description: ofAllTenants,
		answers: ok("A page of entries.", listShape[auditEntryShape]{}), handle: a.listAudit,
	}, {
		method: http.MethodGet, path: "/v1/audit-log/export", id: "export-audit-log", tag: "Audit log", access: administer, audit: "audit_log.export", query: append([]param{formatParam}, auditParams...),
		summary: "Get who did what as a file, newest first", description: ofAllTenants,
		answers: []answer{{status: http.StatusOK, doc: "All entries that match, as NDJSON or CSV.", body: "", media: "application/x-ndjson", other: "text/csv"}}, handle: a.exportAudit,
	}}
}

var (
	originParam   = param{"WebHook-Request-Origin", "The DNS name of the sender that asks.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(253)}}
	rateParam     = param{"WebHook-Request-Rate", "The requested number of requests a minute.", huma.Schema{Type: "integer", Minimum: ptr(1.0)}}
	consentFields = map[string]string{
		"WebHook-Allowed-Origin": "The origin that asked.", "WebHook-Allowed-Rate": "* for any rate.", "Allow": "POST",
	}
)

// alsoPublish is the note at routes that let others publish.
const alsoPublish = "A tenant's key also needs the scope `publish`, because a source publishes what it receives."

func (a *API) sourceRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/sources", id: "list-sources", tag: "Sources", access: read, query: sourcesParams,
		summary: "List sources, newest first", description: inOrder,
		answers: ok("A page of sources.", listShape[SourceShape]{}), handle: a.listSources,
	}, {
		method: http.MethodPost, path: "/v1/sources", id: "create-source", tag: "Sources", access: manage, audit: "source.create", body: sourceCreateInput{},
		summary: "Create a source", description: alsoPublish,
		answers: []answer{{status: http.StatusCreated, doc: "The source.", body: SourceShape{}, headers: map[string]string{"Location": "The source's path."}}},
		errors:  []kind{conflict}, handle: a.createSource,
	}, {
		method: http.MethodGet, path: "/v1/sources/{id}", id: "get-source", tag: "Sources", access: read,
		summary: "Show a source with its counts",
		answers: ok("The source.", SourceShape{}), handle: a.getSource,
	}, {
		method: http.MethodPatch, path: "/v1/sources/{id}", id: "update-source", tag: "Sources", access: manage, audit: "source.update", body: sourceInput{},
		summary:     "Change a source",
		description: "Absent members stay as they are; null restores the default. " + alsoPublish,
		answers:     ok("The changed source.", SourceShape{}), errors: []kind{conflict}, handle: a.updateSource,
	}, {
		method: http.MethodDelete, path: "/v1/sources/{id}", id: "delete-source", tag: "Sources", access: manage, audit: "source.delete",
		summary: "Delete a source", description: "Events that it received stay.",
		answers: []answer{{status: http.StatusNoContent, doc: "Deleted."}}, handle: a.deleteSource,
	}, {
		method: http.MethodPost, path: "/v1/sources/{id}/secret/rotate", id: "rotate-source-secret", tag: "Sources", access: manage, audit: "source.rotate_secret", body: rotateInput{}, bodyOptional: true,
		summary:     "Rotate a source's secret",
		description: "During the overlap both secrets verify, so that the sender can switch. At most five secrets verify at once; the oldest stop first. " + alsoPublish,
		answers:     ok("The new secret.", rotationShape{}), errors: []kind{conflict}, handle: a.rotateSourceSecret,
	}}
}

// intakeRoutes returns the routes for senders, each twice because a source has two addresses.
func (a *API) intakeRoutes() []route {
	var list []route
	for _, at := range []struct{ path, suffix, doc string }{
		{"/in/{source}", "", "source is the source's id, or its name in the tenant default."},
		{"/in/{tenant}/{source}", "-of-tenant", "source is the source's name. A source that accepts unverified requests has only the address with its id."},
	} {
		list = append(list, route{
			method: http.MethodPost, path: at.path, id: "receive" + at.suffix, tag: "Intake", access: public, body: anyBody{},
			summary:     "Receive a webhook from another system",
			description: "Headers and body are in the format of the source, with any content type. " + at.doc,
			answers: []answer{
				{status: http.StatusAccepted, doc: "Accepted: it is an event and will be delivered.", body: receiptShape{}},
				{status: http.StatusOK, doc: "A duplicate: it was accepted before.", body: receiptShape{}},
			},
			errors: []kind{unauthorized, forbidden, conflict, rateLimited, unavailable}, handle: a.receive,
		}, route{
			method: http.MethodOptions, path: at.path, id: "consent" + at.suffix, tag: "Intake", access: public, headers: []param{originParam, rateParam},
			summary:     "Ask whether a source accepts CloudEvents from a sender",
			description: "The validation handshake of CloudEvents web hooks (HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4). " + at.doc,
			answers:     []answer{{status: http.StatusOK, doc: "It does.", headers: consentFields}},
			errors:      []kind{methodNotAllowed, invalid}, handle: a.consent,
		})
	}
	return list
}
