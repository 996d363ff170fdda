package api

import (
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

// route is one method of one path, with its documentation and its handler.
type route struct {
	method, path string
	id           string // names the operation in the document
	tag          string
	summary      string
	description  string
	access       access
	part         peal.PortalPart // the part of the portal, which may be hidden from guests; "" for none
	audit        string          // the action that a success adds to the audit log; "" for none
	query        []param
	headers      []param
	body         any  // a value of the type of the body; nil without a body
	bodyOptional bool // the body may be absent
	answers      []answer
	errors       []kind // in addition to those that follow from the rest
	handle       func(*call) error
}

// answer is one successful response of a route.
type answer struct {
	status  int
	doc     string
	body    any               // a value of the type of the body; nil without a body
	media   string            // the body's type; "" for JSON
	other   string            // an alternative type of the body; "" for none
	headers map[string]string // descriptions by name
}

// kinds returns every kind of error that the route can return.
func (rt *route) kinds() []kind {
	var list []kind
	add := func(kinds ...kind) { list = append(list, kinds...) }
	if rt.body != nil {
		add(malformed, timedOut, tooLarge, unsupportedMedia, invalid)
	}
	if rt.access != public {
		add(unauthorized, forbidden, invalid, rateLimited, unavailable)
	}
	if len(rt.query) > 0 {
		add(invalid)
	}
	if strings.Contains(rt.path, "{") {
		add(notFound)
	}
	add(internalError)
	add(rt.errors...)
	seen := make(map[string]bool)
	unique := list[:0]
	for _, k := range list {
		if !seen[k.name] {
			seen[k.name] = true
			unique = append(unique, k)
		}
	}
	return unique
}

// etagHeaders are the headers of an answer with a resource that has revisions.
var etagHeaders = map[string]string{"ETag": "The revision of the settings, for If-Match."}

func ok(doc string, body any) []answer {
	return []answer{{status: http.StatusOK, doc: doc, body: body}}
}

// The parameters of lists.
var (
	pageParams     = []param{limitParam, cursorParam}
	deliveryParams = []param{limitParam, cursorParam, eventParam, statusParam, deliveryTypeParam, textParam, sinceParam,
		untilParam}
)
