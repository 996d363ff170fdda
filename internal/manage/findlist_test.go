package manage_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/internal/share"
)

// manyUsers lists n users, newest first; those at multiples of a thousand have the name rare.
type manyUsers []peal.User

func newUsers(n int) manyUsers {
	users := make(manyUsers, n)
	for i := range users {
		users[i] = peal.User{ID: peal.NewUserID(), Name: fmt.Sprintf("user %d", i)}
		if i%1000 == 0 {
			users[i].Name = fmt.Sprintf("rare %d", i)
		}
	}
	return users
}

func (m manyUsers) Users(_ context.Context, _ string, before peal.UserID, limit int) (found []peal.User, err error) {
	for i := len(m) - 1; i >= 0 && len(found) < limit; i-- {
		if before.IsZero() || m[i].ID.Compare(before) < 0 {
			found = append(found, m[i])
		}
	}
	return found, nil
}

type freeTurns struct{ taken int }

func (f *freeTurns) Share(context.Context, share.Kind, string) (func(), error) {
	f.taken++
	return func() {}, nil
}

// TestFindsAmongMany checks the limits of a search and of sorting at both sides.
func TestFindsAmongMany(t *testing.T) {
	turns := &freeTurns{}
	find := func(m manyUsers, q manage.ListQuery) ([]peal.User, string, error) {
		q.Limit = 50
		return manage.FindUsers(t.Context(), m, turns, q)
	}
	many := newUsers(20001)
	if found, next, err := find(many, manage.ListQuery{}); err != nil || len(found) != 50 || next != found[49].ID.String() || turns.taken != 0 {
		t.Errorf("the plain list has %d rows, next %q: %v; %d turns", len(found), next, err, turns.taken)
	}
	found, next, err := find(many, manage.ListQuery{Text: "RARE"})
	if err != nil || len(found) != 20 || next == "" || turns.taken != 1 {
		t.Fatalf("a search of 20,001 found %d in its first page, next %q: %v", len(found), next, err)
	}
	place, err := manage.ParseListPlace(next, peal.ParseUserID)
	if err != nil {
		t.Fatal(err)
	}
	if found, next, err = find(many, manage.ListQuery{Text: "rare", After: place}); err != nil || len(found) != 1 || next != "" {
		t.Errorf("the next page has %d, next %q: %v", len(found), next, err)
	}
	for _, order := range []peal.ListOrder{peal.ListOldestFirst, peal.ListByName} {
		if found, _, err := find(many[:20000], manage.ListQuery{Order: order}); err != nil || len(found) != 50 {
			t.Errorf("20,000 by %s: %d rows, %v", order, len(found), err)
		}
		if _, _, err := find(many, manage.ListQuery{Order: order}); peal.CodeOf(err) != peal.Invalid || peal.FaultsOf(err)[0].Field != "order" {
			t.Errorf("20,001 by %s: %v", order, err)
		}
	}
}
