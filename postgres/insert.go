package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// insertion is a call of Insert on its way.
type insertion struct {
	node       peal.NodeID
	version    int64
	insertions []peal.Insertion
	inserted   []peal.InsertResult
	// left are the insertions still to be written: those that are no duplicates.
	left []int
	// spread is whether the deliveries are written in parts, after the events.
	spread bool
}

// Insert implements [peal.Store].
func (s *Store) Insert(ctx context.Context, node peal.NodeID, version int64, insertions []peal.Insertion) ([]peal.InsertResult, error) {
	in := &insertion{node: node, version: version, insertions: insertions, inserted: make([]peal.InsertResult, len(insertions))}
	if err := in.repeats(); err != nil {
		return nil, err
	}
	if record.DeliveriesIn(insertions) > record.MostTogether {
		return s.insertSpread(ctx, in)
	}
	c := &call[*insertion]{ctx: ctx, work: in}
	for i := range insertions {
		c.rows += 1 + len(insertions[i].Deliveries)
		c.bytes += len(insertions[i].Event.Data)
		c.tenant = insertions[i].Event.Tenant
	}
	if err := s.inserts.submit(c); err != nil {
		return nil, translate("insert events", err)
	}
	return in.inserted, nil
}

// repeats finds the insertions that repeat an earlier one of the same call.
func (in *insertion) repeats() error {
	var firsts map[[2]string]int
	for i := range in.insertions {
		this := &in.insertions[i]
		in.inserted[i].Event = this.Event
		if !this.IDGiven || len(in.insertions) == 1 {
			in.left = append(in.left, i)
			continue
		}
		if firsts == nil {
			firsts = make(map[[2]string]int, len(in.insertions))
		}
		name := [2]string{this.Event.Tenant, this.Event.ID}
		first, again := firsts[name]
		if !again {
			firsts[name] = i
			in.left = append(in.left, i)
			continue
		}
		webhooks := make([]peal.WebhookID, len(in.insertions[first].Deliveries))
		for j, d := range in.insertions[first].Deliveries {
			webhooks[j] = d.WebhookID
		}
		if err := in.duplicate(i, in.insertions[first].Event, webhooks); err != nil {
			return err
		}
	}
	return nil
}

// writeInserts writes a group of calls in one transaction and answers them. A call
// that cannot be written as it is leaves the group, and the others are written
// without it.
func (s *Store) writeInserts(group []*call[*insertion]) {
	ctx, end := limited() // the caller waits for a write that has started
	defer end()
	group = s.apart(group)
	for len(group) > 0 {
		out, err := s.writeTogether(ctx, group)
		err = unanswered(ctx, err)
		if err != nil && len(group) > 1 && reasonOf(err) == "" {
			for _, c := range group { // only the one at fault is to fail
				s.writeInserts([]*call[*insertion]{c})
			}
			return
		}
		if err != nil {
			if isLost(err) {
				s.doubt(group)
			}
			for _, c := range group {
				c.done <- err
			}
			return
		}
		if len(out) == 0 {
			for _, c := range group {
				c.done <- nil
			}
			return
		}
		group = s.without(ctx, group, out)
	}
}

// apart keeps calls that give the same id out of one group: the later ones are
// written by themselves after it.
func (s *Store) apart(group []*call[*insertion]) []*call[*insertion] {
	if len(group) == 1 {
		return group
	}
	var given map[[2]string]bool
	together := group[:0:len(group)]
	var later []*call[*insertion]
next:
	for _, c := range group {
		for _, i := range c.work.left {
			if in := &c.work.insertions[i]; in.IDGiven && given[[2]string{in.Event.Tenant, in.Event.ID}] {
				later = append(later, c)
				continue next
			}
		}
		for _, i := range c.work.left {
			if in := &c.work.insertions[i]; in.IDGiven {
				if given == nil {
					given = map[[2]string]bool{}
				}
				given[[2]string{in.Event.Tenant, in.Event.ID}] = true
			}
		}
		together = append(together, c)
	}
	if len(later) > 0 {
		later = append([]*call[*insertion]{}, later...)
		s.writeInserts(together)
		for _, c := range later {
			s.writeInserts([]*call[*insertion]{c})
		}
		return nil
	}
	return together
}

// outcome is a call that was not written.
type outcome struct {
	call int // its place in the group
	why  string
}

// writeTogether writes a group; out are the calls because of which nothing was written.
func (s *Store) writeTogether(ctx context.Context, group []*call[*insertion]) (out []outcome, err error) {
	rows := rowsOf(s.lockKey, group)
	if len(rows.eventKeys) == 0 && rows.onlyDuplicates {
		return nil, nil
	}
	write := func() error {
		out = out[:0]
		crashpoint.Reach(crashpoint.InsertGathered)
		begun := time.Now()
		err := s.each(ctx, s.pool, insertText, func(r pgx.Rows) error {
			var o outcome
			err := r.Scan(&o.call, &o.why)
			o.call--
			out = append(out, o)
			return err
		}, rows.args()...)
		if err == nil && len(out) == 0 {
			crashpoint.Reach(crashpoint.CommitDone)
			s.stats.committed(len(group), begun)
		}
		return err
	}
	err = s.retry(ctx, write)
	if missesDay(err) {
		if err := ensureDaysOf(ctx, s, rows.keys()); err != nil {
			return nil, err
		}
		err = s.retry(ctx, write)
	}
	return out, err
}

// without answers the calls that are stale or fenced, looks up the duplicates of the others, and returns
// the remaining group.
func (s *Store) without(ctx context.Context, group []*call[*insertion], out []outcome) []*call[*insertion] {
	answered := map[int]bool{}
	for _, o := range out {
		if answered[o.call] {
			continue
		}
		c := group[o.call]
		var err error
		switch o.why {
		case "stale":
			err = peal.ErrStaleRoutes
		case "fenced":
			err = peal.ErrFenced
		default:
			err = unanswered(ctx, s.findDuplicates(ctx, c.work))
		}
		if err != nil || len(c.work.left) == 0 {
			answered[o.call] = true
			c.done <- err
		}
	}
	rest := group[:0:0]
	for i, c := range group {
		if !answered[i] {
			rest = append(rest, c)
		}
	}
	return rest
}

// doubt schedules the release of the deliveries of a group with an unknown outcome: the callers get an
// error and keep none of them in memory.
func (s *Store) doubt(group []*call[*insertion]) {
	for _, c := range group {
		var ids []peal.DeliveryID
		for _, i := range c.work.left {
			for _, d := range c.work.insertions[i].Deliveries {
				if d.Held {
					ids = append(ids, d.ID)
				}
			}
		}
		s.doubts.add(c.work.node, ids, true)
	}
}
