package api

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	managing "github.com/pealhq/peal/internal/manage"
)

// Bounds of a list's length.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// param is the documentation of a parameter of a route.
type param struct {
	name, doc string
	schema    huma.Schema
}

var (
	limitParam     = param{"limit", "The largest number of rows to return.", huma.Schema{Type: "integer", Minimum: ptr(1.0), Maximum: ptr(float64(maxLimit)), Default: defaultLimit}}
	cursorParam    = param{"cursor", "next_cursor of the previous page.", huma.Schema{Type: "string", MaxLength: ptr(512)}}
	findParam      = param{"q", "Only those with this text in the name or the description, in any case.", huma.Schema{Type: "string", MaxLength: ptr(peal.MaxFindText)}}
	findNameParam  = param{"q", "Only those with each of these words, in any case, in the name or at the start of the id.", findParam.schema}
	listOrderParam = param{"order", "The order: newest or oldest first, or by name.", huma.Schema{Type: "string", Enum: []any{"newest", "oldest", "name"}, Default: "newest"}}
	listParams     = []param{limitParam, cursorParam, findNameParam, listOrderParam}
	catalogueParam = param{"catalogue", "The catalogue, for operators; that of the tenant if absent.", huma.Schema{Type: "string", Format: ruleCatalogue}}
	sinceParam     = param{"since", "Only those from this time on (RFC 3339).", huma.Schema{Type: "string", Format: "date-time"}}
	untilParam     = param{"until", "Only those before this time (RFC 3339).", huma.Schema{Type: "string", Format: "date-time"}}
)

// query reads the parameters of a call. Invalid ones are read as zero values, and err returns all
// their faults.
type query struct {
	values url.Values
	faults faults
}

// query checks that every parameter is known to the route and occurs once.
func (c *call) query() *query {
	q := &query{}
	if c.request.URL.RawQuery == "" {
		return q
	}
	values, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		q.faults = faults{{Location: "query", Message: "cannot be read; escape special characters as %XX"}}
		return q
	}
	q.values = values
	for name, given := range values {
		known := slices.ContainsFunc(c.route.query, func(p param) bool { return p.name == name })
		switch {
		case !known && len(q.faults) < maxFaults:
			q.fault(short(name), nil, "is not a parameter of this route")
		case known && len(given) > 1:
			q.fault(name, nil, "must occur at most once")
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

// text returns a parameter, and whether it is present. It may be empty.
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

// cursor returns the last row of the previous page; "" for the first page.
func (q *query) cursor(kind listKind) string {
	text, ok := q.text("cursor")
	if !ok {
		return ""
	}
	last, ok := parseCursor(kind, text)
	if !ok {
		q.fault("cursor", short(text), "is not a cursor of this list; use next_cursor of the previous page, or omit it")
	}
	return last
}

// find returns the text to search for; "" for none.
func (q *query) find() string {
	return parsed(q, "q", func(text string) (string, error) { return text, peal.ValidateFindText(text) })
}

var sourcesParams = []param{
	limitParam, cursorParam,
	{"q", "Only those with each of these words, in any case, in the name or the description, or at the start of the id.", findParam.schema}, listOrderParam,
}

// inOrder describes the lists with listParams.
const inOrder = "`q` narrows the list, and `order` changes its order. With `q`, a page may have fewer rows than the limit, or none, and yet not be the last one."

// orderedKinds are the kinds of one list by its order.
type orderedKinds struct{ newest, oldest, byName listKind }

// list returns the query of a list with listParams, and the kind of its cursors. The ID of a place
// is of the kind that parse parses.
func list[ID interface {
	~[16]byte
	String() string
}](q *query, kinds orderedKinds, parse func(string) (ID, error)) (managing.ListQuery, listKind) {
	query := managing.ListQuery{Text: q.find(), Order: peal.ListOrder(q.choice("order", "newest", "oldest", "name"))}
	kind := kinds.newest
	switch query.Order {
	case peal.ListOldestFirst:
		kind = kinds.oldest
	case peal.ListByName:
		kind = kinds.byName
	}
	query.Limit = q.limit()
	if cursor := q.cursor(kind); cursor != "" {
		query.After, _ = managing.ParseListPlace(cursor, parse) // which the cursor's kind has checked
	}
	return query, kind
}

// found returns a page of a list whose next row is known.
func found[Row, Shape any](kind listKind, rows []Row, next string, shape func(*Row) Shape) listShape[Shape] {
	list := page(kind, rows, len(rows), shape, nil)
	if next != "" {
		list.NextCursor = ptr(cursorOf(kind, next))
	}
	return list
}

// name returns a parameter that is a name; "" if absent.
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

// parsed returns a parameter parsed by a domain function; the zero value if absent.
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
	NextCursor *string `json:"next_cursor" doc:"Pass it as cursor to get the next page; null on the last one."`
}

// page returns a page of a list. The caller must have requested one row more than the limit, which
// shows whether there is a next page.
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

// A cursor encodes the position after a page: the kind of the list, so that a cursor of another
// list is refused, and the id or name of the last row.
type listKind byte

const (
	webhookList   listKind = 'w' // newest first
	oldHookList   listKind = 'o' // webhooks, oldest first
	namedHookList listKind = 'm' // webhooks by name: the id, and what they are sorted by
	deliveryList  listKind = 'd'
	eventList     listKind = 'e'
	keyList       listKind = 'k'
	tenantList    listKind = 't'
	eventTypeList listKind = 'y'
	sourceList    listKind = 's'
	replayList    listKind = 'r'
	userList      listKind = 'u'
	sessionList   listKind = 'n'
	linkList      listKind = 'l'
	auditList     listKind = 'a'
	catalogueList listKind = 'c'
	foundList     listKind = 'f' // deliveries that were searched

	oldSourceList   listKind = 'S' // oldest first
	namedSourceList listKind = 'Q' // by name: the id, and the key
	oldUserList     listKind = 'U'
	namedUserList   listKind = 'V'
	oldKeyList      listKind = 'K'
	namedKeyList    listKind = 'J'
)

func cursorOf(kind listKind, last string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{byte(kind)}, last...))
}

// parseCursor returns the id or name of the last row in a cursor. It reports false for text that is
// not a cursor of this kind of list.
func parseCursor(kind listKind, text string) (string, bool) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(plain) < 2 || plain[0] != byte(kind) {
		return "", false
	}
	last := string(plain[1:])
	switch kind {
	case webhookList, oldHookList:
		_, err = peal.ParseWebhookID(last)
	case namedHookList:
		_, err = peal.ParseWebhookPosition(last)
	case deliveryList:
		_, err = peal.ParseDeliveryID(last)
	case eventList:
		_, err = peal.ParseEventKey(last)
	case foundList:
		_, err = parsePlace(last)
	case keyList, oldKeyList:
		_, err = peal.ParseKeyID(last)
	case namedKeyList:
		_, err = managing.ParseListPlace(last, peal.ParseKeyID)
	case sourceList, oldSourceList:
		_, err = peal.ParseSourceID(last)
	case namedSourceList:
		_, err = managing.ParseListPlace(last, peal.ParseSourceID)
	case userList, oldUserList:
		_, err = peal.ParseUserID(last)
	case namedUserList:
		_, err = managing.ParseListPlace(last, peal.ParseUserID)
	case sessionList:
		_, err = peal.ParseSessionID(last)
	case linkList:
		_, err = peal.ParsePortalLinkID(last)
	case auditList:
		_, err = peal.ParseAuditID(last)
	case replayList:
		_, err = peal.ParseJobID(last)
	case tenantList:
		err = peal.ValidateTenant(last)
	case catalogueList:
		err = peal.ValidateCatalogue(last)
	case eventTypeList:
		err = peal.ValidateType(last)
	default:
		return "", false
	}
	return last, err == nil && cursorOf(kind, last) == text // refuse other base64 spellings of the same bytes
}
