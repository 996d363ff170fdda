package postgres

import (
	"context"
	"strconv"

	"github.com/pealhq/peal"
)

// findDuplicates looks for the first events of the ids that a call gives, answers
// what is a duplicate, and leaves the others. It refuses the call when an id comes
// back with other content.
func (s *Store) findDuplicates(ctx context.Context, in *insertion) error {
	left := in.left
	in.left = nil
	for _, i := range left {
		this := &in.insertions[i]
		if !this.IDGiven {
			in.left = append(in.left, i)
			continue
		}
		first, webhooks, err := s.firstOf(ctx, this.Event.Tenant, this.Event.ID)
		if err != nil {
			return err
		}
		if first == nil {
			in.left = append(in.left, i)
			continue
		}
		if err := in.duplicate(i, first, webhooks); err != nil {
			return err
		}
	}
	return nil
}

// duplicate answers an insertion with the first event of its id.
func (in *insertion) duplicate(i int, first *peal.Event, webhooks []peal.WebhookID) error {
	this := &in.insertions[i]
	if !first.SameContent(this.Event, this.TimeGiven) {
		refused := peal.Errorf(peal.Conflict, "is the id of another event with other content; give a new event a new id")
		refused.Field = "events[" + strconv.Itoa(i) + "].id"
		return refused
	}
	in.inserted[i] = peal.InsertResult{Duplicate: true, Event: first, Webhooks: webhooks}
	return nil
}

// firstOf gives the event that has a publisher's id, and where it went; nil when
// there is none.
func (s *Store) firstOf(ctx context.Context, tenant, id string) (*peal.Event, []peal.WebhookID, error) {
	key, found, err := s.keyOf(ctx, tenant, id)
	if err != nil || !found {
		return nil, nil, err
	}
	event, deliveries, err := s.readEvent(ctx, s.pool, key)
	if err != nil || event == nil {
		return nil, nil, err
	}
	byID := map[peal.DeliveryID]peal.WebhookID{}
	if err := s.deliveriesByID(ctx, s.pool, deliveries, func(d *peal.Delivery) { byID[d.ID] = d.WebhookID }); err != nil {
		return nil, nil, err
	}
	var webhooks []peal.WebhookID
	for _, id := range deliveries {
		if webhook, ok := byID[id]; ok {
			webhooks = append(webhooks, webhook)
		}
	}
	return event, webhooks, nil
}

// keyOf gives the key of the event of a publisher's id.
func (s *Store) keyOf(ctx context.Context, tenant, id string) (key [16]byte, found bool, err error) {
	found, err = s.one(ctx, s.pool, `SELECT i.event FROM peal.event_ids i JOIN peal.tenants n ON n.num = i.tenant WHERE n.name = $1 AND i.ext_id = $2`,
		[]any{clean(tenant), clean(id)}, &key)
	return key, found, err
}
