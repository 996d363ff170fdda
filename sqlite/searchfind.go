package sqlite

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
)

// finder goes through the events that a search may be about, the newest first.
type finder struct {
	s     *Store
	query fulltext.Query
	index *searchFile // nil when only the type matters
	match string      // for the index
	// tenant and typeNum are their numbers; typeNum is 0 for all types.
	tenant, typeNum int64
	span
	looked int
	// page is how many events the next look takes.
	page int
}

// seek is what a search has in common, whatever it finds.
type seek struct {
	tenant, eventType, text string
	webhook                 peal.WebhookID
	status                  peal.DeliveryStatus
	since, until            time.Time
	before                  peal.EventKey
	inclusive               bool // of before
	limit                   int
}

// finder prepares a search; nil when nothing can be found.
func (s *Store) finder(ctx context.Context, k seek, index *searchFile) (*finder, error) {
	f := &finder{s: s, index: index, page: min(k.limit, indexEvents)}
	var err error
	if k.text != "" {
		if f.query, err = fulltext.Parse(k.text); err != nil {
			return nil, err
		}
	}
	if f.span, err = spanOf(ctx, s.readers, "events", k.since, k.until, halve(k.before)); err != nil {
		return nil, err
	}
	if k.inclusive {
		f.until++
	}
	var webhook int64
	for text, place := range map[string]struct {
		into  *int64
		value any
		none  bool
	}{
		`SELECT num FROM tenants WHERE name = ?`: {&f.tenant, k.tenant, false},
		`SELECT num FROM types WHERE name = ?`:   {&f.typeNum, k.eventType, k.eventType == ""},
		`SELECT num FROM webhooks WHERE id = ?`:  {&webhook, k.webhook[:], k.webhook.IsZero()},
	} {
		if place.none {
			continue
		}
		if err := s.query(ctx, text, func(r row) error {
			*place.into = r.int(0)
			return nil
		}, place.value); err != nil || *place.into == 0 {
			return nil, err
		}
	}
	f.match = f.matching(webhook, k.status)
	return f, nil
}

// matching writes the search for the index. Words hold no quotes.
func (f *finder) matching(webhook int64, status peal.DeliveryStatus) string {
	parts := []string{`"` + tenantFact(f.tenant) + `"`}
	if f.typeNum != 0 {
		parts = append(parts, `"`+typeFact(f.typeNum)+`"`)
	}
	if webhook != 0 {
		parts = append(parts, `"`+webhookFact(webhook)+`"`)
	}
	if status != "" && status != peal.Pending { // what was final may be pending again
		parts = append(parts, `"`+statusFact(statusNumbers[status])+`"`)
	}
	for _, word := range f.query.Words() {
		part := `"` + word.Text + `"`
		if word.Prefix {
			part += "*"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " AND ")
}

// next gives the next events, none when there are no others. It goes on before them.
func (f *finder) next(ctx context.Context) (events []int64, err error) {
	page := min(f.page, peal.MaxSearchedEvents-f.looked)
	collect := func(r row) error {
		events = append(events, r.int(0))
		return nil
	}
	if f.index == nil {
		err = f.s.query(ctx, `SELECT seq FROM events WHERE tenant = ? AND type = ? AND seq >= ? AND seq < ? ORDER BY seq DESC LIMIT +?`, collect,
			f.tenant, f.typeNum, f.from, f.until, int64(page))
	} else {
		err = f.nextIndexed(ctx, page, collect)
	}
	if len(events) > 0 {
		f.until = events[len(events)-1]
	}
	f.looked += len(events)
	f.page = indexEvents
	return events, err
}

// nextIndexed asks the shards, the newest first, for up to page events.
func (f *finder) nextIndexed(ctx context.Context, page int, collect func(row) error) error {
	shards := f.index.list()
	end := int64(math.MaxInt64)
	for _, s := range slices.Backward(shards) {
		from, until := max(s.first, f.from), min(end, f.until)
		end = s.first
		if from >= until {
			continue
		}
		found := 0
		if err := f.index.readers.query(ctx, `SELECT rowid FROM `+s.table()+` WHERE `+s.table()+` MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT +?`, func(r row) error {
			found++
			return collect(r)
		}, f.match, from, until, int64(page)); err != nil {
			return err
		}
		if found > 0 { // the rest of the page is asked for next
			return nil
		}
		f.until = min(f.until, s.first) // nothing in this one
	}
	return nil
}

// timely runs a search with its own bound of time. late is true when that was too
// short; the caller's own end is an error as ever.
func timely(ctx context.Context, search func(context.Context) error) (late bool, err error) {
	inner, cancel := context.WithTimeout(ctx, peal.MaxSearchTime)
	defer cancel()
	err = search(inner)
	if err != nil && inner.Err() != nil && ctx.Err() == nil {
		return true, nil
	}
	return false, err
}

func tooLate() error {
	return &peal.Error{
		Code: peal.Unavailable, Field: "text",
		Message: "takes longer than " + peal.MaxSearchTime.String() + ": add a word, write words with a * out, or narrow the time",
	}
}

// ofSearch runs a search with the index when it is about words, and without it when it
// is about a type only.
func (s *Store) ofSearch(text string, search func(*searchFile) error) error {
	if text == "" {
		return search(nil)
	}
	if _, err := fulltext.Parse(text); err != nil {
		return err
	}
	return s.withIndex(search)
}
