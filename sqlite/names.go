package sqlite

import (
	"time"

	"github.com/pealhq/peal"
)

// maxNames bounds each of the writer's maps from names to numbers; a full one is
// emptied and fills again.
const maxNames = 50_000

// names remembers which number stands for what in the tables.
type names struct {
	tenants  map[string]int64
	types    map[string]int64
	nodes    map[peal.NodeID]int64
	webhooks map[peal.WebhookID]namedWebhook
}

type namedWebhook struct {
	num     int64
	deleted bool
}

func newNames() *names {
	return &names{map[string]int64{}, map[string]int64{}, map[peal.NodeID]int64{}, map[peal.WebhookID]namedWebhook{}}
}

func remember[K comparable, V any](m map[K]V, key K, value V) {
	if len(m) >= maxNames {
		clear(m)
	}
	m[key] = value
}

// tenant returns a tenant's number; found is false when there is no such tenant. One that
// is being deleted is refused.
func (w *writer) tenant(name string) (num int64, found bool, err error) {
	if num, found = w.names.tenants[name]; found {
		return num, true, nil
	}
	deleting := false
	err = w.conn.query(`SELECT num, coalesce(deleting, 0) > 0 FROM tenants WHERE name = ?`, func(r row) error {
		num, deleting, found = r.int(0), r.int(1) != 0, true
		return nil
	}, name)
	if err == nil && deleting {
		return 0, false, refuse(peal.ErrTenantDeleted)
	}
	if found && err == nil {
		remember(w.names.tenants, name, num)
	}
	return num, found, err
}

// ensureTenant returns a tenant's number and creates the tenant if there is none.
func (w *writer) ensureTenant(name string, now time.Time) (int64, error) {
	num, found, err := w.tenant(name)
	if found || err != nil {
		return num, err
	}
	if _, err := w.conn.exec(`INSERT INTO tenants (name, created) VALUES (?, ?)`, name, now.UnixMicro()); err != nil {
		return 0, err
	}
	num, _, err = w.tenant(name)
	return num, err
}

// typeNum returns the number of an event type and adds the type if it is new.
func (w *writer) typeNum(name string) (int64, error) {
	if num, found := w.names.types[name]; found {
		return num, nil
	}
	return lookUpOrAdd(w, w.names.types, name, `SELECT num FROM types WHERE name = ?`, `INSERT INTO types (name) VALUES (?)`, name)
}

// nobody is the number of a node that is not registered: it holds nothing.
const nobody = -1

// node returns the number of a node; nobody if it is not registered.
func (w *writer) node(id peal.NodeID) (int64, error) {
	if num, found := w.names.nodes[id]; found {
		return num, nil
	}
	num, found, err := w.conn.number(`SELECT num FROM nodes WHERE id = ?`, id[:])
	if err != nil || !found {
		return nobody, err
	}
	remember(w.names.nodes, id, num)
	return num, nil
}

// holder returns the number of a node that is about to hold deliveries. ErrFenced if it is not registered.
func (w *writer) holder(id peal.NodeID) (int64, error) {
	num, err := w.node(id)
	if err == nil && num == nobody {
		err = refuse(peal.ErrFenced)
	}
	return num, err
}

func lookUpOrAdd[K comparable](w *writer, known map[K]int64, key K, lookUp, add string, value any) (int64, error) {
	num, found, err := w.conn.number(lookUp, value)
	if err != nil {
		return 0, err
	}
	if !found {
		if _, err := w.conn.exec(add, value); err != nil {
			return 0, err
		}
		if num, _, err = w.conn.number(lookUp, value); err != nil {
			return 0, err
		}
	}
	remember(known, key, num)
	return num, nil
}

// webhook returns the number and the state of a webhook; found is false if it never existed.
func (w *writer) webhook(id peal.WebhookID) (webhook namedWebhook, found bool, err error) {
	if webhook, found = w.names.webhooks[id]; found {
		return webhook, true, nil
	}
	err = w.conn.query(`SELECT num, deleted FROM webhooks WHERE id = ?`, func(r row) error {
		webhook, found = namedWebhook{r.int(0), r.int(1) != 0}, true
		return nil
	}, id[:])
	if found && err == nil {
		remember(w.names.webhooks, id, webhook)
	}
	return webhook, found, err
}
