package manage

import (
	"context"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/share"
)

// ListQuery selects sources, users or keys. A zero field does not restrict the selection.
type ListQuery struct {
	Tenant string // "" selects the users of all tenants, and the operator's keys
	// Text is a list of words, in any case. Each must be in the name or the description, or be a
	// prefix of the ID.
	Text  string
	Order peal.ListOrder
	After ListPlace // after this place in the order; zero to start at the first
	Limit int
}

// ListPlace is the position of a record in an order.
type ListPlace struct {
	ID  string
	Key string // its [peal.FindKey] in the order [peal.ListByName]; "" in others
}

// String returns the text of the place, which [ParseListPlace] parses.
func (p ListPlace) String() string { return p.ID + p.Key }

// ParseListPlace parses the text of a place whose ID is of the kind that parse parses. The error
// has code [peal.Invalid].
func ParseListPlace[ID listed](text string, parse func(string) (ID, error)) (ListPlace, error) {
	end := strings.IndexByte(text, '_') + 1 + 26
	end = min(end, len(text))
	if _, err := parse(text[:end]); err != nil {
		return ListPlace{}, err
	}
	return ListPlace{ID: text[:end], Key: text[end:]}, nil
}

// Limits of a list that is searched or sorted.
const (
	readListed   = 1000
	passedListed = 20 * readListed
)

type listed interface {
	~[16]byte
	String() string
}

// list is a kind of records.
type list[Row any, ID listed] struct {
	parse func(text string) (ID, error)
	read  func(before ID, limit int) ([]Row, error) // newest first
	// texts returns what a record is found by; the first is its name.
	texts func(*Row) (id string, texts []string)
}

// SourceLister lists sources.
type SourceLister interface {
	Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error)
}

// FindSources returns a page of the sources that a query selects. next is the place after which
// the list continues, "" at its end. A page that is not full can have a next one, when the search
// has looked at as many records as it may. Sorting more than 20,000 records is an error of code
// [peal.Invalid] with the field "order". A search or sorting takes its turn among the searches of
// the tenant.
func FindSources(ctx context.Context, store SourceLister, turns Sharer, q ListQuery) ([]peal.Source, string, error) {
	return find(ctx, turns, q, list[peal.Source, peal.SourceID]{
		parse: peal.ParseSourceID,
		read: func(before peal.SourceID, limit int) ([]peal.Source, error) {
			return store.Sources(ctx, q.Tenant, before, limit)
		},
		texts: func(s *peal.Source) (string, []string) { return s.ID.String(), []string{s.Name, s.Description} },
	})
}

// UserLister lists users.
type UserLister interface {
	Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error)
}

// FindUsers returns a page of the users that a query selects; see [FindSources].
func FindUsers(ctx context.Context, store UserLister, turns Sharer, q ListQuery) ([]peal.User, string, error) {
	return find(ctx, turns, q, list[peal.User, peal.UserID]{
		parse: peal.ParseUserID,
		read: func(before peal.UserID, limit int) ([]peal.User, error) {
			return store.Users(ctx, q.Tenant, before, limit)
		},
		texts: func(u *peal.User) (string, []string) { return u.ID.String(), []string{u.Name} },
	})
}

// KeyLister lists keys.
type KeyLister interface {
	Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error)
}

// FindKeys returns a page of the keys that a query selects; see [FindSources].
func FindKeys(ctx context.Context, store KeyLister, turns Sharer, q ListQuery) ([]peal.APIKey, string, error) {
	return find(ctx, turns, q, list[peal.APIKey, peal.KeyID]{
		parse: peal.ParseKeyID,
		read: func(before peal.KeyID, limit int) ([]peal.APIKey, error) {
			return store.Keys(ctx, q.Tenant, before, limit)
		},
		texts: func(k *peal.APIKey) (string, []string) { return k.ID.String(), []string{k.Name} },
	})
}

func find[Row any, ID listed](ctx context.Context, turns Sharer, q ListQuery, l list[Row, ID]) ([]Row, string, error) {
	sorted := q.Order == peal.ListOldestFirst || q.Order == peal.ListByName
	if q.Text != "" || sorted {
		leave, err := turns.Share(ctx, share.Search, q.Tenant)
		if err != nil {
			return nil, "", err
		}
		defer leave()
	}
	if sorted {
		return l.sorted(q)
	}
	return l.newest(q)
}

// newest returns a page of the list in its stored order.
func (l *list[Row, ID]) newest(q ListQuery) (found []Row, next string, err error) {
	var before ID
	if q.After.ID != "" {
		if before, err = l.parse(q.After.ID); err != nil {
			return nil, "", err
		}
	}
	read := readListed
	if q.Text == "" {
		read = q.Limit + 1
	}
	has := peal.FindWords(q.Text)
	for passed := 0; ; {
		rows, err := l.read(before, read)
		if err != nil {
			return nil, "", err
		}
		for i := range rows {
			id, texts := l.texts(&rows[i])
			if !has(id, texts...) {
				continue
			}
			if len(found) == q.Limit {
				last, _ := l.texts(&found[q.Limit-1])
				return found, last, nil
			}
			found = append(found, rows[i])
		}
		if len(rows) < read {
			return found, "", nil
		}
		last, _ := l.texts(&rows[read-1])
		if before, err = l.parse(last); err != nil {
			return nil, "", err
		}
		if passed += read; passed >= passedListed {
			return found, last, nil
		}
	}
}

// sorted returns a page of the list in another order, for which it reads the whole list.
func (l *list[Row, ID]) sorted(q ListQuery) ([]Row, string, error) {
	type placed struct {
		place ListPlace
		row   Row
	}
	placeOf := func(row *Row) ListPlace {
		id, texts := l.texts(row)
		if q.Order == peal.ListByName {
			return ListPlace{id, peal.FindKey(texts[0])}
		}
		return ListPlace{ID: id}
	}
	compare := func(a, b ListPlace) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	}
	var behind []placed
	var before ID
	has := peal.FindWords(q.Text)
	for passed := 0; ; passed += readListed {
		rows, err := l.read(before, readListed)
		if err != nil {
			return nil, "", err
		}
		if passed+len(rows) > passedListed {
			return nil, "", peal.Fault("order", message.OrderImpossible, passedListed)
		}
		for i := range rows {
			id, texts := l.texts(&rows[i])
			if place := placeOf(&rows[i]); has(id, texts...) && (q.After.ID == "" || compare(place, q.After) > 0) {
				behind = append(behind, placed{place, rows[i]})
			}
		}
		if len(rows) < readListed {
			break
		}
		last, _ := l.texts(&rows[readListed-1])
		if before, err = l.parse(last); err != nil {
			return nil, "", err
		}
	}
	slices.SortFunc(behind, func(a, b placed) int { return compare(a.place, b.place) })
	next := ""
	if len(behind) > q.Limit {
		behind = behind[:q.Limit]
		next = behind[q.Limit-1].place.String()
	}
	found := make([]Row, len(behind))
	for i := range behind {
		found[i] = behind[i].row
	}
	return found, next, nil
}
