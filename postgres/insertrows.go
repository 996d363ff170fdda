package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const insertText = `SELECT call, why FROM peal.insert_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`

// insertRows are the parameters of insert_events, a list for each column.
type insertRows struct {
	lockKey        int32
	nodes          pgtype.FlatArray[pgtype.UUID]
	versions       pgtype.FlatArray[int64]
	tenants, types names
	tenantCreated  pgtype.FlatArray[int64]
	webhooks       pgtype.FlatArray[pgtype.UUID]
	webhookAt      map[peal.WebhookID]int32

	eventCalls, eventTenants, eventTypes pgtype.FlatArray[int32]
	eventKeys                            pgtype.FlatArray[pgtype.UUID]
	extIDs, subjects, times, failures    pgtype.FlatArray[pgtype.Text]
	deliveries, data                     pgtype.FlatArray[[]byte]

	calls, deliveryWebhooks pgtype.FlatArray[int32]
	ids, events             pgtype.FlatArray[pgtype.UUID]
	due                     pgtype.FlatArray[int64]
	held, test              pgtype.FlatArray[bool]

	onlyDuplicates bool
}

// names number texts from 1 in the order in which they come.
type names struct {
	list pgtype.FlatArray[string]
	at   map[string]int32
}

// number returns a text's number and reports whether it is new.
func (n *names) number(text string) (int32, bool) {
	if len(n.list) > 0 && n.list[len(n.list)-1] == text {
		return int32(len(n.list)), false
	}
	if at, ok := n.at[text]; ok {
		return at, false
	}
	if n.at == nil {
		n.at = map[string]int32{}
	}
	n.list = append(n.list, text)
	n.at[text] = int32(len(n.list))
	return int32(len(n.list)), true
}

// rowsOf lists what a group of calls is to write.
func rowsOf(lockKey int32, group []*call[*insertion]) *insertRows {
	events := 0
	for _, c := range group {
		events += len(c.work.left)
	}
	r := &insertRows{
		lockKey: lockKey, webhookAt: map[peal.WebhookID]int32{}, onlyDuplicates: true,
		nodes: make(pgtype.FlatArray[pgtype.UUID], 0, len(group)), versions: make(pgtype.FlatArray[int64], 0, len(group)),
		eventCalls: make(pgtype.FlatArray[int32], 0, events), eventTenants: make(pgtype.FlatArray[int32], 0, events), eventTypes: make(pgtype.FlatArray[int32], 0, events),
		eventKeys: make(pgtype.FlatArray[pgtype.UUID], 0, events), extIDs: make(pgtype.FlatArray[pgtype.Text], 0, events),
		subjects: make(pgtype.FlatArray[pgtype.Text], 0, events), times: make(pgtype.FlatArray[pgtype.Text], 0, events),
		failures: make(pgtype.FlatArray[pgtype.Text], 0, events), deliveries: make(pgtype.FlatArray[[]byte], 0, events), data: make(pgtype.FlatArray[[]byte], 0, events),
	}
	// IDs never go back, but the clock can: a delivery is due now, even if its ID is later.
	now := time.Now().UnixMicro()
	for i, c := range group {
		r.nodes = append(r.nodes, uuid(c.work.node))
		r.versions = append(r.versions, c.work.version)
		if len(c.work.insertions) == 0 || len(c.work.left) > 0 {
			r.onlyDuplicates = false
		}
		for _, j := range c.work.left {
			r.add(int32(i+1), &c.work.insertions[j])
			if !c.work.spread {
				r.addDeliveries(int32(i+1), &c.work.insertions[j], now)
			}
		}
	}
	return r
}

func (r *insertRows) add(call int32, in *peal.Insertion) {
	e := in.Event
	tenant, fresh := r.tenants.number(e.Tenant)
	if fresh {
		r.tenantCreated = append(r.tenantCreated, e.AcceptedAt().UnixMicro())
	}
	eventType, _ := r.types.number(e.Type)
	r.eventCalls, r.eventTenants, r.eventTypes = append(r.eventCalls, call), append(r.eventTenants, tenant), append(r.eventTypes, eventType)
	r.eventKeys = append(r.eventKeys, uuid(e.Key))
	r.extIDs = append(r.extIDs, pgtype.Text{String: e.ID, Valid: in.IDGiven})
	r.subjects = append(r.subjects, orNull(clean(e.Subject)))
	written := e.Time.String()
	r.times = append(r.times, pgtype.Text{String: written, Valid: e.Time != peal.TimestampOf(e.AcceptedAt())})
	failures := pgtype.Text{}
	if len(in.FilterErrors) > 0 {
		if text, err := record.EncodeFilterErrors(in.FilterErrors); err == nil { // texts and ids always can be
			failures = orNull(text)
		}
	}
	r.failures = append(r.failures, failures)
	r.data = append(r.data, e.Data)
	var list []byte
	for i := range in.Deliveries {
		list = append(list, in.Deliveries[i].ID[:]...)
	}
	r.deliveries = append(r.deliveries, list)
}

func (r *insertRows) addDeliveries(call int32, in *peal.Insertion, now int64) {
	for i := range in.Deliveries {
		d := &in.Deliveries[i]
		at, ok := r.webhookAt[d.WebhookID]
		if !ok {
			r.webhooks = append(r.webhooks, uuid(d.WebhookID))
			at = int32(len(r.webhooks))
			r.webhookAt[d.WebhookID] = at
		}
		r.calls, r.deliveryWebhooks = append(r.calls, call), append(r.deliveryWebhooks, at)
		r.ids, r.events = append(r.ids, uuid(d.ID)), append(r.events, uuid(in.Event.Key))
		r.due = append(r.due, min(d.ID.Time().UnixMicro(), now))
		r.held, r.test = append(r.held, d.Held), append(r.test, d.Test)
	}
}

func (r *insertRows) args() []any {
	return []any{
		r.lockKey, r.nodes, r.versions, r.tenants.list, r.tenantCreated, r.types.list, r.webhooks,
		r.eventCalls, r.eventKeys, r.eventTenants, r.eventTypes, r.extIDs, r.subjects, r.times, r.deliveries, r.failures, r.data,
		r.calls, r.ids, r.deliveryWebhooks, r.events, r.due, r.held, r.test,
	}
}

// keys returns the events' keys, each of which needs the partition of its day.
func (r *insertRows) keys() [][16]byte { return bytesOf(r.eventKeys) }

func bytesOf(ids pgtype.FlatArray[pgtype.UUID]) [][16]byte {
	list := make([][16]byte, len(ids))
	for i, id := range ids {
		list[i] = id.Bytes
	}
	return list
}
