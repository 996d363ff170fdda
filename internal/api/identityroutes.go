package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

var (
	userParam   = param{"user", "Only this user's.", huma.Schema{Type: "string", Format: ruleUserID}}
	actorParam  = param{"actor", "Only what the key, user or portal link of this id or name did.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(256)}}
	actionParam = param{"action", "Only this action, such as webhook.update.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(64)}}
	targetParam = param{"target", "Only what was done to the thing of this id or name.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(256)}}
	formatParam = param{"format", "ndjson: one JSON object a line; csv: with a line of names first.", huma.Schema{Type: "string", Enum: []any{"ndjson", "csv"}, Default: "ndjson"}}
	auditParams = []param{actorParam, actionParam, targetParam, sinceParam, untilParam}
)

const ofAllTenants = "An operator sees those of every tenant, or with the header `Peal-Tenant` those of one."

func (a *API) identityRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/users", id: "list-users", tag: "Users", access: administer, query: pageParams,
		summary: "List users, newest first", description: ofAllTenants,
		answers: ok("A page of users.", listShape[userShape]{}), handle: a.listUsers,
	}, {
		method: http.MethodPost, path: "/v1/users", id: "create-user", tag: "Users", access: administer, audit: "user.create", body: userCreateInput{},
		summary: "Create a user", description: "Of the tenant that the call is about, or of every tenant with operator.",
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
		answers: ok("How many sessions have ended.", revokedShape{}), handle: a.revokeUserSessions,
	}, {
		method: http.MethodGet, path: "/v1/sessions", id: "list-sessions", tag: "Users", access: administer, query: append([]param{userParam}, pageParams...),
		summary: "List sessions, newest first, ended ones included", description: ofAllTenants + " Sessions that ended over 30 days ago are forgotten.",
		answers: ok("A page of sessions.", listShape[sessionShape]{}), handle: a.listSessions,
	}, {
		method: http.MethodDelete, path: "/v1/sessions/{id}", id: "revoke-session", tag: "Users", access: administer, audit: "session.revoke",
		summary: "End a session", description: "Whoever is signed in with it must sign in again.",
		answers: []answer{{status: http.StatusNoContent, doc: "Ended."}}, handle: a.revokeSession,
	}, {
		method: http.MethodGet, path: "/v1/portal-links", id: "list-portal-links", tag: "Portal", access: administer, query: pageParams,
		summary: "List portal links, newest first", description: ofAllTenants + " Links that expired over 30 days ago are forgotten.",
		answers: ok("A page of links, without their tokens.", listShape[PortalLinkShape]{}), handle: a.listPortalLinks,
	}, {
		method: http.MethodPost, path: "/v1/portal-links", id: "create-portal-link", tag: "Portal", access: administer, audit: "portal_link.create", body: portalLinkInput{},
		summary:     "Create a portal link",
		description: "Whoever follows the link first gets a session for the webhooks of the tenant that the call is about, and of no other. It works once: make one whenever a customer asks for the page.",
		answers:     []answer{{status: http.StatusCreated, doc: "The link with, this once, its URL.", body: createdPortalLinkShape{}}}, errors: []kind{conflict}, handle: a.createPortalLink,
	}, {
		method: http.MethodDelete, path: "/v1/portal-links/{id}", id: "revoke-portal-link", tag: "Portal", access: administer, audit: "portal_link.revoke",
		summary: "Take a portal link back", description: "The session that it gave ends.",
		answers: []answer{{status: http.StatusNoContent, doc: "Revoked."}}, handle: a.revokePortalLink,
	}, {
		method: http.MethodGet, path: "/v1/audit-log", id: "list-audit-log", tag: "Audit log", access: administer, query: append(append([]param{}, auditParams...), pageParams...),
		summary: "List who did what, newest first", description: ofAllTenants,
		answers: ok("A page of entries.", listShape[auditEntryShape]{}), handle: a.listAudit,
	}, {
		method: http.MethodGet, path: "/v1/audit-log/export", id: "export-audit-log", tag: "Audit log", access: administer, audit: "audit_log.export", query: append([]param{formatParam}, auditParams...),
		summary: "Get who did what as a file, newest first", description: ofAllTenants,
		answers: []answer{{status: http.StatusOK, doc: "All entries that were chosen, as NDJSON or CSV.", body: "", media: "application/x-ndjson", other: "text/csv"}}, handle: a.exportAudit,
	}}
}
