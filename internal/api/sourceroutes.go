package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

var (
	originParam   = param{"WebHook-Request-Origin", "The DNS name of the sender that asks.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(253)}}
	rateParam     = param{"WebHook-Request-Rate", "How many requests a minute it wants to send.", huma.Schema{Type: "integer", Minimum: ptr(1.0)}}
	consentFields = map[string]string{
		"WebHook-Allowed-Origin": "The origin that asked.", "WebHook-Allowed-Rate": "* for any rate.", "Allow": "POST",
	}
)

// alsoPublish is said of the routes that let others publish.
const alsoPublish = "A tenant's key needs the scope `publish` too: what a source takes is published."

func (a *API) sourceRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/sources", id: "list-sources", tag: "Sources", access: read, query: pageParams,
		summary: "List sources, newest first",
		answers: ok("A page of sources.", listShape[SourceShape]{}), handle: a.listSources,
	}, {
		method: http.MethodPost, path: "/v1/sources", id: "create-source", tag: "Sources", access: manage, audit: "source.create", body: sourceCreateInput{},
		summary: "Create a source", description: alsoPublish,
		answers: []answer{{status: http.StatusCreated, doc: "The source.", body: SourceShape{}, headers: map[string]string{"Location": "The source's path."}}},
		errors:  []kind{conflict}, handle: a.createSource,
	}, {
		method: http.MethodGet, path: "/v1/sources/{id}", id: "get-source", tag: "Sources", access: read,
		summary: "Show a source and what came to it",
		answers: ok("The source.", SourceShape{}), handle: a.getSource,
	}, {
		method: http.MethodPatch, path: "/v1/sources/{id}", id: "update-source", tag: "Sources", access: manage, audit: "source.update", body: sourceInput{},
		summary:     "Change a source",
		description: "Members that are absent stay as they are; null takes the default again. " + alsoPublish,
		answers:     ok("The changed source.", SourceShape{}), errors: []kind{conflict}, handle: a.updateSource,
	}, {
		method: http.MethodDelete, path: "/v1/sources/{id}", id: "delete-source", tag: "Sources", access: manage, audit: "source.delete",
		summary: "Delete a source", description: "What came through it stays.",
		answers: []answer{{status: http.StatusNoContent, doc: "Deleted."}}, handle: a.deleteSource,
	}, {
		method: http.MethodPost, path: "/v1/sources/{id}/secret/rotate", id: "rotate-source-secret", tag: "Sources", access: manage, audit: "source.rotate_secret", body: rotateInput{}, bodyOptional: true,
		summary:     "Give a source a new secret",
		description: "During the overlap both secrets verify, so that the sender can change over. At most five secrets verify at once; the oldest stop first. " + alsoPublish,
		answers:     ok("The new secret.", rotationShape{}), errors: []kind{conflict}, handle: a.rotateSourceSecret,
	}}
}

// intakeRoutes are for the senders: each twice, as a source has two addresses.
func (a *API) intakeRoutes() []route {
	var list []route
	for _, at := range []struct{ path, suffix, doc string }{
		{"/in/{source}", "", "source is the source's id, or its name in the tenant default."},
		{"/in/{tenant}/{source}", "-of-tenant", "source is the source's name. A source that takes unverified requests has only its id as an address."},
	} {
		list = append(list, route{
			method: http.MethodPost, path: at.path, id: "receive" + at.suffix, tag: "Intake", access: public, body: anyBody{},
			summary:     "Take a webhook that another system sends",
			description: "Headers and body are as the source's format has them; any content type is taken. " + at.doc,
			answers: []answer{
				{status: http.StatusAccepted, doc: "Accepted: it is an event and will be delivered.", body: receiptShape{}},
				{status: http.StatusOK, doc: "A duplicate: it was accepted before.", body: receiptShape{}},
			},
			errors: []kind{unauthorized, forbidden, conflict, rateLimited, unavailable}, handle: a.receive,
		}, route{
			method: http.MethodOptions, path: at.path, id: "consent" + at.suffix, tag: "Intake", access: public, headers: []param{originParam, rateParam},
			summary:     "Ask whether a source takes CloudEvents from a sender",
			description: "The validation handshake of CloudEvents web hooks (HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4). " + at.doc,
			answers:     []answer{{status: http.StatusOK, doc: "It does.", headers: consentFields}},
			errors:      []kind{methodNotAllowed, invalid}, handle: a.consent,
		})
	}
	return list
}
