package dashboard

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

// listChoice is the choice in the address of a list of sources, users or keys.
type listChoice struct {
	Search string
	Order  peal.ListOrder
	Next   string // the address of the next page
}

// Orders returns the orders to choose from.
func (l *listChoice) Orders() []peal.ListOrder {
	return []peal.ListOrder{peal.ListNewestFirst, peal.ListOldestFirst, peal.ListByName}
}

// readListChoice reads what the address asks for. An invalid value does not restrict the list,
// and an invalid place starts at the first page.
func readListChoice[ID interface {
	~[16]byte
	String() string
}](c *call, l *listChoice, parse func(string) (ID, error)) manage.ListQuery {
	values := c.r.URL.Query()
	l.Search = findText(values)
	switch order := peal.ListOrder(values.Get("order")); order {
	case peal.ListOldestFirst, peal.ListByName:
		l.Order = order
	}
	q := manage.ListQuery{Text: l.Search, Order: l.Order, Limit: pageRows}
	if place, err := manage.ParseListPlace(values.Get("after"), parse); err == nil {
		q.After = place
	}
	return q
}

// continueAt sets the address of the next page, which starts after a place; "" for no next page.
func (l *listChoice) continueAt(path, next string) {
	if next != "" {
		l.Next = listAddress(path, "q", l.Search, "order", string(l.Order), "after", next)
	}
}
