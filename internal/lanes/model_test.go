package lanes_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/lanes"
)

// where a delivery of the model is.
type where int

const (
	stored    where = iota // nobody holds it
	waiting                // in memory
	attempted              // in flight
	releasing              // held, until its release is written
	final
)

// delivery is a delivery of the model.
type delivery struct {
	peal.NewDelivery
	event *peal.Event
	n     int // of its webhook, in the order of publishing
	where where
	due   time.Time
	tries int
}

// hook is a webhook of the model; a change makes another one.
type hook struct{ webhook peal.Webhook }

func (h *hook) Settings() *peal.Webhook { return &h.webhook }

// model owns lanes, obeys their effects at once and knows where each delivery must be.
type model struct {
	t       *rapid.T
	options lanes.Options
	lanes   *lanes.Lanes
	now     time.Time
	wake    time.Time

	start, claims int // asked for and not done
	hooks         []*hook
	deliveries    map[peal.DeliveryID]*delivery
	order         [][]*delivery // by webhook
	inFlight      []*lanes.Job
	releases      []lanes.Release
	first         []int // by webhook: the latest first attempt
	sending       bool
}

func newModel(t *rapid.T) *model {
	m := &model{t: t, now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), deliveries: map[peal.DeliveryID]*delivery{}}
	m.options = lanes.Options{
		MaxInFlight: rapid.IntRange(1, 6).Draw(t, "max in flight"), MaxSlow: rapid.IntRange(1, 6).Draw(t, "max slow"),
		LaneInFlight: rapid.IntRange(1, 4).Draw(t, "lane in flight"), LaneQueue: rapid.IntRange(1, 20).Draw(t, "lane queue"),
		Memory: int64(rapid.IntRange(1, 40).Draw(t, "memory")) * 600, Started: m.now, SuspectRest: time.Second,
	}
	m.lanes = lanes.New(m.options)
	for i := range rapid.IntRange(1, 3).Draw(t, "webhooks") {
		w := peal.Webhook{ID: peal.NewWebhookID(), Tenant: "acme", URL: fmt.Sprintf("http://%d.test/", i), Status: peal.Active}
		if rapid.Bool().Draw(t, "limited") {
			w.RateLimit = &peal.RateLimit{PerSecond: 5, Burst: 2}
		}
		m.hooks, m.order, m.first = append(m.hooks, &hook{w}), append(m.order, nil), append(m.first, -1)
	}
	m.resume()
	return m
}

// obey carries out the effects of what was called, until there are none.
func (m *model) obey() {
	for {
		e := m.lanes.TakeEffects()
		m.start, m.claims, m.wake = m.start+e.Start, m.claims+e.Claim, e.Wake
		for _, r := range e.Release {
			for _, id := range r.IDs {
				m.move(id, releasing, waiting, attempted)
			}
		}
		m.releases = append(m.releases, e.Release...)
		if e.Due {
			m.lanes.CallDue(m.now, m.now)
		}
		switch {
		case !e.Wake.IsZero() && !e.Wake.After(m.now):
			m.lanes.Wake(m.now)
		case m.claims > 0:
			m.claims--
			m.claim()
		case m.start > 0:
			m.start--
			m.worker()
		case !e.Due && len(e.Release) == 0:
			return
		}
	}
}

// move moves a delivery, which must be in one of the given places.
func (m *model) move(id peal.DeliveryID, to where, from ...where) *delivery {
	d := m.deliveries[id]
	if d == nil || !slices.Contains(from, d.where) {
		m.t.Fatalf("the delivery %+v moves to %d, from none of %v", d, to, from)
	}
	d.where = to
	return d
}

// worker performs the next attempt.
func (m *model) worker() {
	j := m.lanes.Start(m.now)
	if j == nil {
		return
	}
	d := m.move(j.Delivery.ID, attempted, waiting)
	i := m.index(d.WebhookID)
	if !m.sending {
		m.t.Fatal("an attempt starts while nothing may be sent")
	}
	if w := m.hooks[i].Settings(); w.Status != peal.Active {
		m.t.Fatalf("an attempt of a webhook starts that is %s", w.Status)
	}
	if m.options.LaneInFlight == 1 && d.tries == 0 {
		if d.n <= m.first[i] {
			m.t.Fatalf("the first attempt of %d starts after that of %d", d.n, m.first[i])
		}
		m.first[i] = d.n
	}
	m.inFlight = append(m.inFlight, j)
}

func (m *model) index(id peal.WebhookID) int {
	return slices.IndexFunc(m.hooks, func(h *hook) bool { return h.webhook.ID == id })
}

// claim performs the next claim, as a store does: the oldest that are due.
func (m *model) claim() {
	claim, ok := m.lanes.NextClaim(m.now)
	if !ok {
		return
	}
	var due []*delivery
	var next time.Time
	for _, d := range m.order[m.index(claim.Webhook)] {
		switch {
		case d.where != stored:
		case !d.due.After(m.now):
			due = append(due, d)
		case next.IsZero() || d.due.Before(next):
			next = d.due
		}
	}
	slices.SortStableFunc(due, func(a, b *delivery) int { return a.due.Compare(b.due) })
	more := len(due) > claim.Limit
	if more {
		due = due[:claim.Limit]
	}
	var works []peal.ClaimedDelivery
	for _, d := range due {
		m.move(d.ID, waiting, stored)
		works = append(works, peal.ClaimedDelivery{Event: d.event, Delivery: peal.Delivery{ID: d.ID, WebhookID: d.WebhookID, Status: peal.Pending, Due: d.due, Tries: d.tries}})
	}
	m.lanes.Claimed(m.now, claim, works, more, next)
}

func (m *model) publish(t *rapid.T) {
	event := &peal.Event{Tenant: "acme", Type: "a", Data: make([]byte, rapid.IntRange(2, 400).Draw(t, "size"))}
	places := make([]lanes.Place, len(m.hooks))
	for i, h := range m.hooks {
		places[i].Webhook = h
	}
	term := m.lanes.Reserve(m.now, places, lanes.Cost(event))
	if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
		m.lanes.Abandon(m.now, places, lanes.Cost(event))
		return
	}
	insertion := &peal.Insertion{Event: event}
	for i, p := range places {
		d := &delivery{NewDelivery: peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: p.Webhook.Settings().ID, Held: p.Reserved}, event: event, n: len(m.order[i]), due: m.now}
		if p.Reserved {
			d.where = waiting
		}
		insertion.Deliveries = append(insertion.Deliveries, d.NewDelivery)
		m.deliveries[d.ID], m.order[i] = d, append(m.order[i], d)
	}
	m.lanes.Commit(m.now, places, lanes.Cost(event), term, insertion, nil)
}

// end ends an attempt; one that failed is tried again, from memory or from the store.
func (m *model) end(i int, ok bool, took, delay time.Duration) {
	j := m.inFlight[i]
	m.inFlight = slices.Delete(m.inFlight, i, i+1)
	m.lanes.Done(m.now, j, lanes.Result{Took: took, OK: ok, Telling: true})
	d := m.deliveries[j.Delivery.ID]
	d.tries++
	switch {
	case ok:
		m.move(d.ID, final, attempted)
	case m.lanes.Hold(m.now, j, delay):
		m.move(d.ID, waiting, attempted).due = m.now.Add(delay)
	default:
		m.move(d.ID, stored, attempted).due = m.now.Add(delay)
		m.lanes.NoteDue(m.now, m.hooks[m.index(d.WebhookID)], d.due, delay <= 0)
	}
	m.start++ // the worker takes the next attempt
}

func (m *model) resume() {
	m.sending = true
	m.lanes.Resume(m.now, time.Time{})
}

// setStatus pauses a webhook or sets it active.
func (m *model) setStatus(i int, status peal.WebhookStatus) {
	changed := m.hooks[i].webhook
	changed.Status = status
	m.hooks[i] = &hook{changed}
	m.lanes.Replace(m.now, changed.ID, m.hooks[i], errors.New("deleted"))
}

func (m *model) written() {
	r := m.releases[0]
	m.releases = m.releases[1:]
	for _, id := range r.IDs {
		m.move(id, stored, releasing)
	}
	m.lanes.Released(m.now, r)
}

func (m *model) advance(d time.Duration) {
	m.now = m.now.Add(d)
	m.lanes.Wake(m.now)
	m.lanes.CallDue(m.now, m.now)
}

// check compares the lanes with the model, after all effects.
func (m *model) check() {
	count := map[where]int{}
	var memory int64
	for _, d := range m.deliveries {
		count[d.where]++
		if d.where == waiting || d.where == attempted {
			memory += lanes.Cost(d.event)
		}
	}
	load := m.lanes.Load()
	if load.Queued != count[waiting] || load.InFlight != count[attempted] || load.Memory != memory {
		m.t.Fatalf("the lanes have %+v, the model %v and %d bytes", load, count, memory)
	}
	if c := m.lanes.Counts(); c.Fast > m.options.MaxInFlight || c.Fresh > m.options.MaxSlow || c.Fast+c.Fresh+c.Erring+c.Slow != load.InFlight {
		m.t.Fatalf("in flight are %+v of %+v", c, m.options)
	}
	for _, h := range m.hooks {
		if s := m.lanes.Status(m.now, h.webhook.ID); s.InFlight > m.options.LaneInFlight {
			m.t.Fatalf("a lane has %d requests in flight", s.InFlight)
		}
	}
	before := m.lanes.Counts()
	if j := m.lanes.Start(m.now); j != nil {
		m.t.Fatalf("nobody was asked to start the attempt of %s: %+v, then %+v with the alarm %v", j.Delivery.ID, before, m.lanes.Counts(), m.wake.Sub(m.now))
	}
	m.wake = m.lanes.TakeEffects().Wake
}

// drain lets everything end. It fails when the lanes wait for nothing that comes.
func (m *model) drain() {
	m.resume()
	for i := range m.hooks {
		m.setStatus(i, peal.Active)
	}
	m.obey()
	idle := 0
	for left := true; left; {
		left = false
		for _, d := range m.deliveries {
			left = left || d.where != final
		}
		switch {
		case len(m.releases) > 0:
			m.written()
		case len(m.inFlight) > 0:
			m.end(0, true, time.Millisecond, 0)
		case !m.wake.IsZero() && m.wake.After(m.now):
			m.advance(m.wake.Sub(m.now))
		default: // what is in the store is due later
			m.advance(time.Second)
			idle++
		}
		if m.obey(); idle > 1000 {
			m.t.Fatalf("the lanes wait forever: %+v", m.lanes.Load())
		}
	}
	m.check()
	if load := m.lanes.Load(); load.Memory != 0 {
		m.t.Fatalf("%d bytes are left", load.Memory)
	}
}

func TestLanesKeepTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		chosen := func(t *rapid.T) int { return rapid.IntRange(0, len(m.hooks)-1).Draw(t, "webhook") }
		some := func(t *rapid.T, n int) int {
			if n == 0 {
				t.Skip("none")
			}
			return rapid.IntRange(0, n-1).Draw(t, "which")
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) { m.publish(t) },
			"end": func(t *rapid.T) {
				took := time.Duration(rapid.SampledFrom([]int{1, 20, 1500}).Draw(t, "ms")) * time.Millisecond
				m.end(some(t, len(m.inFlight)), rapid.Bool().Draw(t, "ok"), took, time.Duration(rapid.IntRange(0, 20).Draw(t, "delay"))*time.Second)
			},
			"advance": func(t *rapid.T) { m.advance(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond) },
			"sleep": func(t *rapid.T) {
				if !m.wake.After(m.now) {
					t.Skip("no alarm")
				}
				m.advance(m.wake.Sub(m.now))
			},
			"pause":   func(t *rapid.T) { m.setStatus(chosen(t), peal.Paused) },
			"resume":  func(t *rapid.T) { m.setStatus(chosen(t), peal.Active) },
			"suspend": func(*rapid.T) { m.sending = false; m.lanes.Suspend() },
			"send":    func(*rapid.T) { m.resume() },
			"written": func(t *rapid.T) { some(t, len(m.releases)); m.written() },
			"hurry": func(t *rapid.T) {
				i := chosen(t)
				d := m.order[i][some(t, len(m.order[i]))]
				if m.lanes.Hurry(m.now, d.WebhookID, d.ID) {
					if d.where != waiting {
						t.Fatalf("a delivery hurries that is at %d", d.where)
					}
					d.tries++ // out of order from here on
				}
			},
			"cancel": func(t *rapid.T) {
				i := chosen(t)
				d := m.order[i][some(t, len(m.order[i]))]
				m.lanes.DropOne(m.now, d.WebhookID, d.ID)
				if d.where == waiting || d.where == stored {
					d.where = final
				}
			},
			"": func(*rapid.T) { m.obey(); m.check() },
		})
		m.drain()
	})
}
