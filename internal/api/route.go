package api

import (
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

// route is one method of one path: what the document says of it and what serves it.
type route struct {
	method, path string
	id           string // names the operation in the document
	tag          string
	summary      string
	description  string
	access       access
	part         peal.PortalPart // that it belongs to, which may be hidden from guests; "" for none
	audit        string          // what a success is called in the audit log; "" leaves nothing there
	query        []param
	headers      []param
	body         any  // a value of the type that the body is read into; nil when there is none
	bodyOptional bool // the body may be left out
	answers      []answer
	errors       []kind // beside those that follow from the rest
	handle       func(*call) error
}

// answer is one way for a route to succeed.
type answer struct {
	status  int
	doc     string
	body    any               // a value of the type that is answered; nil for no body
	media   string            // the body's type; "" for JSON
	other   string            // another type that the caller can choose; "" for none
	headers map[string]string // names and what they say
}

// kinds gives every kind of error that the route can answer.
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

// The parameters of lists.
var (
	pageParams     = []param{limitParam, cursorParam}
	deliveryParams = []param{limitParam, cursorParam, eventParam, statusParam, deliveryTypeParam, textParam, sinceParam, untilParam}
)

// etagHeaders are the headers of an answer that shows what has revisions.
var etagHeaders = map[string]string{"ETag": "The revision of the settings, for If-Match."}

func ok(doc string, body any) []answer {
	return []answer{{status: http.StatusOK, doc: doc, body: body}}
}
