package sqlite

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
)

// FindEvents implements [peal.SearchStore].
func (s *Store) FindEvents(ctx context.Context, query peal.EventSearch) (peal.FoundEvents, error) {
	var found peal.FoundEvents
	place, more := query.Before, false
	err := s.ofSearch(query.Text, func(index *searchFile) error {
		late, err := timely(ctx, func(ctx context.Context) error {
			f, err := s.finder(ctx, seek{
				tenant: query.Tenant, eventType: query.Type, text: query.Text, since: query.Since, until: query.Until, before: query.Before, limit: query.Limit,
			}, index)
			if err != nil || f == nil {
				return err
			}
			for len(found.Events) <= query.Limit {
				if more = f.looked >= peal.MaxSearchedEvents; more {
					return nil
				}
				seqs, err := f.next(ctx)
				if err != nil || len(seqs) == 0 {
					return err
				}
				if err := s.query(ctx, selectEvent+` WHERE e.seq IN (SELECT value FROM json_each(?1)) AND e.tenant = ?2 AND (?3 = 0 OR e.type = ?3) ORDER BY e.seq DESC`, func(r row) error {
					event := scanEvent(r)
					place = event.Key
					terms := fulltext.Terms(0)
					for _, text := range textsOf(&event) {
						terms |= f.query.In(text)
					}
					if query.Text == "" || f.query.All(terms) {
						found.Events = append(found.Events, event)
					}
					return nil
				}, listOf(seqs), f.tenant, f.typeNum); err != nil {
					return err
				}
			}
			return nil
		})
		if late && place == query.Before {
			return tooLate()
		}
		if more || late {
			found.Next = place
		}
		if len(found.Events) > query.Limit {
			found.Events = found.Events[:query.Limit]
			found.Next = found.Events[query.Limit-1].Key
		}
		return err
	})
	return found, translate("find events", err)
}
