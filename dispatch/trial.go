package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

var errDeleted = peal.Errorf(peal.Conflict, "the webhook was deleted")

// testRun is a test on its way through the scheduler.
type testRun struct {
	ctx context.Context // of who waits for it
	end chan testEnd    // has room for one
}

// testEnd is what a test came to: an attempt, or why none was made.
type testEnd struct {
	attempt peal.Attempt
	err     error
}

// Test sends one event to a webhook, whatever its status and the state of its endpoint, and
// returns what came of it. It is one of the requests that the webhook may have in flight, and
// ends with ctx. The event and its delivery go on record, marked as a test; there are
// no retries, and the webhook's health does not change. A tenant has a few under way at most;
// the error has code [peal.RateLimited] beyond. An empty eventType takes
// the first type of the catalogue that the webhook's patterns match, or a pattern's
// own; nil data takes that type's example.
func (e *Engine) Test(ctx context.Context, tenant string, id peal.WebhookID, eventType string, data []byte) (peal.Delivery, peal.Attempt, error) {
	leave, err := e.Share(ctx, share.Test, tenant)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	defer leave()
	webhook, err := e.store.Webhook(ctx, tenant, id)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	event, err := e.sample(ctx, &webhook, eventType, data)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	if !e.scheduler.open(ctx, e.member.patience()) {
		return peal.Delivery{}, peal.Attempt{}, errFenced
	}
	if err := e.enter(); err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	defer e.publishers.Done()
	run := &testRun{ctx: ctx, end: make(chan testEnd, 1)}
	ctx = context.WithoutCancel(ctx)
	j, err := e.insertTest(ctx, &webhook, event)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	j.test, j.byHand, j.hook = run, true, e.hook(&webhook)
	if e.tracer != nil {
		j.origin = originOf(ctx)
	}
	e.scheduler.try(j, e.hooks.get(id))
	end := e.awaitTest(j)
	settlement := e.judge(j.hook, j, &end.attempt, 0)
	if settlement.Status == peal.Pending { // it was broken off
		settlement.Status, settlement.SettledAt = peal.Failed, time.Now().UTC()
	}
	if err := e.store.Settle(ctx, e.Node(), []peal.Settlement{settlement}); err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	if end.err != nil {
		return peal.Delivery{}, peal.Attempt{}, end.err
	}
	delivery, err := e.store.Delivery(ctx, tenant, j.delivery.ID)
	return delivery, end.attempt, err
}

// awaitTest waits until a test has come to its end, or whoever asked for it has left.
func (e *Engine) awaitTest(j *job) testEnd {
	select {
	case end := <-j.test.end:
		return end
	case <-j.test.ctx.Done():
		e.scheduler.dropTest(j, j.test.ctx.Err()) // it has not begun; or it ends now
		return <-j.test.end
	}
}

// attemptTest makes the attempt of a test. It ends when this node may not send any more, and
// when whoever asked for it has left.
func (e *Engine) attemptTest(ctx context.Context, j *job, attempt *peal.Attempt) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(j.test.ctx, cancel)()
	e.send(ctx, j.hook, j, attempt)
	ok := attempt.Succeeded()
	// A failure says nothing: who tests tries things out.
	e.scheduler.done(j, attempt.Timing.Total, ok, ok, 0)
	j.test.end <- testEnd{attempt: *attempt, err: j.test.ctx.Err()}
}

// canceledTest is the record of a test whose attempt has not begun.
func canceledTest(j *job, err error) testEnd {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return testEnd{err: err, attempt: peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: j.delivery.ID, Number: 1, StartedAt: now, URL: peal.RedactURL(j.hook.URL),
		Reason: peal.ReasonCanceled, Error: "the test ended before its attempt began",
	}}
}

// try queues a test. h is what is known of its webhook; nil when that is gone.
func (s *scheduler) try(j *job, h *hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		j.test.end <- canceledTest(j, errStopping)
		return
	}
	l := s.lane(j.delivery.WebhookID)
	if l.hook == nil && h != nil {
		s.attach(l, h)
	}
	j.lane, j.memory = l, cost(j.event)
	s.charge(l, j.memory)
	l.urgent.push(j)
	s.ready(l)
}

// dropTest ends a test whose attempt has not begun.
func (s *scheduler) dropTest(j *job, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.lane != nil && j.lane.urgent.remove(func(other *job) bool { return other == j }) != nil {
		s.charge(j.lane, -j.memory)
		j.test.end <- canceledTest(j, err)
	}
}

// dropTests ends the tests of a lane whose attempts have not begun.
func (s *scheduler) dropTests(l *lane, err error) {
	isTest := func(j *job) bool { return j.test != nil }
	for j := l.urgent.remove(isTest); j != nil; j = l.urgent.remove(isTest) {
		s.charge(l, -j.memory)
		j.test.end <- canceledTest(j, err)
	}
}

func (e *Engine) insertTest(ctx context.Context, webhook *peal.Webhook, event *peal.Event) (*job, error) {
	id := peal.NewDeliveryID()
	err := e.routed(ctx, func(routes *routes) error {
		_, err := e.store.Insert(ctx, e.Node(), routes.version, []peal.Insertion{{
			Event: event, Deliveries: []peal.NewDelivery{{ID: id, WebhookID: webhook.ID, Held: true, Test: true}},
		}})
		if isFenced(err) {
			e.member.lost()
			return errFenced
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &job{event: event, delivery: peal.Delivery{
		ID: id, Tenant: event.Tenant, WebhookID: webhook.ID, EventKey: event.Key, EventID: event.ID, EventType: event.Type,
		Status: peal.Pending, Due: time.Now(), Test: true,
	}}, nil
}
