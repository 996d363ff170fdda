package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

// Bounds of a list's length.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// param is a parameter of a route: what the document says of it.
type param struct {
	name, doc string
	schema    huma.Schema
}

var (
	limitParam     = param{"limit", "How many rows to give at most.", huma.Schema{Type: "integer", Minimum: ptr(1.0), Maximum: ptr(float64(maxLimit)), Default: defaultLimit}}
	cursorParam    = param{"cursor", "Where to go on: next_cursor of the page before.", huma.Schema{Type: "string", MaxLength: ptr(512)}}
	findParam      = param{"q", "Only those with this text in the name or the description, in any case.", huma.Schema{Type: "string", MaxLength: ptr(peal.MaxFindText)}}
	catalogueParam = param{"catalogue", "The catalogue, for operators; that of the tenant without it.", huma.Schema{Type: "string", Format: ruleCatalogue}}
	sinceParam     = param{"since", "Only those from this time on (RFC 3339).", huma.Schema{Type: "string", Format: "date-time"}}
	untilParam     = param{"until", "Only those before this time (RFC 3339).", huma.Schema{Type: "string", Format: "date-time"}}
)

// query is the query of a call. Reading a parameter that is wrong gives its zero
// value; err tells of all that were wrong.
type query struct {
	values url.Values
	faults faults
}

// query checks that every parameter is one that the route has, and stands once.
func (c *call) query() *query {
	q := &query{}
	if c.request.URL.RawQuery == "" {
		return q
	}
	values, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		q.faults = faults{{Location: "query", Message: "cannot be read: escape special characters as %XX"}}
		return q
	}
	q.values = values
	for name, given := range values {
		known := slices.ContainsFunc(c.route.query, func(p param) bool { return p.name == name })
		switch {
		case !known && len(q.faults) < maxFaults:
			q.fault(short(name), nil, "is not a parameter of this route")
		case known && len(given) > 1:
			q.fault(name, nil, "stands more than once")
		}
	}
	slices.SortFunc(q.faults, func(a, b fault) int { return strings.Compare(a.Location, b.Location) })
	return q
}

func (q *query) fault(name string, value any, message string) {
	q.faults = append(q.faults, fault{Location: "query." + name, Message: message, Value: value})
}

func (q *query) err() error {
	if len(q.faults) > 0 {
		return q.faults
	}
	return nil
}

// text gives a parameter and whether it is there. An empty one is there.
func (q *query) text(name string) (string, bool) {
	given := q.values[name]
	if len(given) == 0 {
		return "", false
	}
	return given[0], true
}

func (q *query) limit() int {
	text, ok := q.text("limit")
	if !ok {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		q.fault("limit", short(text), "must be a whole number from 1 to "+strconv.Itoa(maxLimit))
	}
	return n
}

// cursor gives the last row of the page before; "" for the first page.
func (q *query) cursor(kind listKind) string {
	text, ok := q.text("cursor")
	if !ok {
		return ""
	}
	last, ok := parseCursor(kind, text)
	if !ok {
		q.fault("cursor", short(text), "is no cursor of this list: take next_cursor of the page before, or leave it out")
	}
	return last
}

// find returns the text that the list is searched for; "" for none.
func (q *query) find() string {
	return parsed(q, "q", func(text string) (string, error) { return text, peal.ValidateFindText(text) })
}

// name returns a parameter that names something; "" when it is absent.
func (q *query) name(name string) string {
	text, given := q.text(name)
	if given && (text == "" || utf8.RuneCountInString(text) > peal.MaxFindText) {
		q.fault(name, short(text), "must be a name")
	}
	return text
}

func typeNamed(text string) (string, error) { return text, peal.ValidateType(text) }

func (q *query) time(name string) time.Time {
	text, ok := q.text(name)
	if !ok {
		return time.Time{}
	}
	stamp, err := peal.ParseTimestamp(text)
	if err != nil {
		q.fault(name, short(text), "must be an RFC 3339 time, such as 2026-11-21T09:30:00Z (write + as %2B)")
		return time.Time{}
	}
	return stamp.Time().UTC()
}

func (q *query) choice(name string, choices ...string) string {
	text, ok := q.text(name)
	if ok && !slices.Contains(choices, text) {
		q.fault(name, short(text), "must be one of "+strings.Join(choices, ", "))
	}
	return text
}

// parsed reads a parameter with a domain function; the zero value when it is absent.
func parsed[T any](q *query, name string, parse func(string) (T, error)) T {
	var zero T
	text, ok := q.text(name)
	if !ok {
		return zero
	}
	value, err := parse(text)
	if err != nil {
		message := err.Error()
		if e, ok := err.(*peal.Error); ok {
			message = e.Message
		}
		q.fault(name, short(text), message)
		return zero
	}
	return value
}

// listShape is a page of a list.
type listShape[T any] struct {
	Data       []T     `json:"data" nullable:"false" doc:"The rows of this page."`
	NextCursor *string `json:"next_cursor" doc:"Give it as cursor to get the next page; null on the last one."`
}

// page makes a page of rows that were asked for with one more than the limit, so
// that it is known whether there are more.
func page[Row, Shape any](kind listKind, rows []Row, limit int, shape func(*Row) Shape, name func(*Row) string) listShape[Shape] {
	list := listShape[Shape]{Data: make([]Shape, 0, min(len(rows), limit))}
	for i := range rows[:min(len(rows), limit)] {
		list.Data = append(list.Data, shape(&rows[i]))
	}
	if len(rows) > limit {
		list.NextCursor = ptr(cursorOf(kind, name(&rows[limit-1])))
	}
	return list
}
