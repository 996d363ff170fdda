package dispatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/wire"
)

// worker makes attempts until there is nothing to do for it.
func (e *Engine) worker() {
	for after := false; ; after = true {
		j, ctx := e.scheduler.next(after)
		if j == nil {
			return
		}
		e.attempt(ctx, j)
	}
}

// attempt makes one attempt of a delivery and moves the delivery on. The context ends
// when this node may not send any more.
func (e *Engine) attempt(ctx context.Context, j *job) {
	hook := j.hook
	attempt := peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: j.delivery.ID, Number: j.delivery.Attempts + 1,
		Timing: peal.Timing{Wait: max(j.start.Sub(j.delivery.Due), 0)},
	}
	crashpoint.Reach(crashpoint.AttemptBegins)
	crashpoint.ReachWith(crashpoint.AttemptOf, j.event.Data)
	if j.test != nil {
		e.attemptTest(ctx, j, &attempt)
		return
	}
	told := e.send(ctx, hook, j, &attempt)
	crashpoint.Reach(crashpoint.AttemptAnswered)
	if j.suspicion != (peal.Suspicion{}) {
		e.clear(ctx, j, &attempt)
	}
	settlement := e.judge(hook, j, &attempt, told.RetryAfter)
	telling := attempt.Reason != peal.ReasonEncode && attempt.Reason != peal.ReasonCanceled
	troubled := e.scheduler.done(j, attempt.Timing.Total, attempt.Succeeded(), telling, askedRest(&attempt, told))
	if j.probe && attempt.Succeeded() {
		e.hints.add(peal.Signal{Kind: peal.SignalUp, WebhookID: hook.ID})
	}
	e.settle(j, &settlement)
	e.metrics.ended(j.event, &attempt, settlement.Status)
	if !told.CertificateExpires.IsZero() {
		e.health.certificate(hook, j.lane, told.CertificateExpires)
	}
	if telling && (troubled || !attempt.Succeeded()) {
		e.health.after(hook, j, &attempt, settlement.Status)
	}
}

// askedRest is for how long the endpoint asked to be left alone, whatever is sent: 0 for not.
func askedRest(attempt *peal.Attempt, told egress.Response) time.Duration {
	if attempt.StatusCode == http.StatusTooManyRequests || attempt.StatusCode == http.StatusServiceUnavailable {
		return told.RetryAfter
	}
	return 0
}

// send makes the request and sends it. A panic meanwhile fails the attempt.
func (e *Engine) send(ctx context.Context, hook *hook, j *job, attempt *peal.Attempt) (told egress.Response) {
	begun := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			e.logPanic(cause, hook)
			attempt.StartedAt, attempt.URL = begun.UTC().Truncate(time.Microsecond), peal.RedactURL(hook.URL)
			attempt.Timing = peal.Timing{Wait: attempt.Timing.Wait, Total: time.Since(begun)}
			attempt.Reason, attempt.Error, told = peal.ReasonOther, "Peal failed while it made this attempt; its log says where", egress.Response{}
		}
	}()
	if e.tracer != nil {
		traced, span := e.tracer.attempt(ctx, j, hook, attempt)
		defer e.tracer.attempted(span, attempt)
		ctx = traced
	}
	started := time.Now()
	request, err := e.encode(ctx, nil, hook, j.event, attempt.DeliveryID, started)
	if err != nil {
		attempt.StartedAt = started.UTC().Truncate(time.Microsecond)
		attempt.Timing.Total = time.Since(started)
		attempt.URL = peal.RedactURL(hook.URL)
		attempt.Reason, attempt.Error = peal.ReasonEncode, err.Error()
		if ctx.Err() != nil || e.hard.Err() != nil {
			attempt.Reason = peal.ReasonCanceled // nothing is known about the delivery
		}
		return egress.Response{}
	}
	if e.tracer != nil {
		e.tracer.inject(ctx, &request)
	}
	if j.encoded != nil {
		close(j.encoded)
	}
	return e.do(ctx, hook, &request, attempt)
}

// logPanic logs where a panic came from. Only the runtime's own words are logged: a value
// may hold secrets.
func (e *Engine) logPanic(cause any, hook *hook) {
	why := fmt.Sprintf("a value of type %T", cause)
	if err, ok := cause.(runtime.Error); ok {
		why = err.Error()
	}
	e.log.Error("a panic failed an attempt", "webhook", hook.ID, "tenant", hook.Tenant, "panic", why, "stack", string(debug.Stack()))
}

// encode makes the request of an attempt. The purse is that of a request of which it is
// a part, nil for one of its own; it holds no turn afterwards. A panic of a transform or a
// format is an error.
func (e *Engine) encode(ctx context.Context, purse *match.Purse, hook *hook, event *peal.Event, id peal.DeliveryID, at time.Time) (request wire.Request, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if purse != nil {
				purse.Close()
			}
			e.logPanic(cause, hook)
			request, err = wire.Request{}, errors.New("the transform or the format panicked on this event")
		}
	}()
	if hook.client == nil {
		return wire.Request{}, peal.Invalidf("client_certificate", "or the pins cannot be used: set them again")
	}
	if hook.format == nil {
		return wire.Request{}, peal.Invalidf("format", "%q is not known to this version", hook.Format)
	}
	if hook.barred != nil {
		return wire.Request{}, hook.barred
	}
	if purse == nil && hook.route.Transforms() {
		purse = match.NewPurse(ctx, e.hard, hook.Tenant).Patient()
	}
	if hook.route.Transforms() {
		data, err := hook.route.Transform(purse, event)
		purse.Close()
		if err != nil {
			return wire.Request{}, err
		}
		transformed := *event
		transformed.Data = data
		event = &transformed
	}
	request, err = hook.format.Request(&wire.Input{
		Event: event, Webhook: hook.Webhook, DeliveryID: id, Time: at, Context: ctx, Variables: hook.variables,
	})
	if err == nil && hook.Handshake {
		e.nameOrigin(request.Header)
	}
	return request, err
}

// judge decides what the attempt means for its delivery.
func (e *Engine) judge(hook *hook, j *job, attempt *peal.Attempt, asked time.Duration) peal.Settlement {
	now := time.Now().UTC().Truncate(time.Microsecond)
	s := peal.Settlement{Attempt: *attempt, WebhookID: hook.ID, Tries: j.delivery.Tries + 1, Test: j.delivery.Test}
	switch {
	case attempt.Succeeded():
		s.Status, s.SettledAt = peal.Success, now
	case attempt.Reason == peal.ReasonCanceled:
		// Peal stopped in the middle: nothing is known, so the try does not count.
		s.Status, s.Tries, s.Due = peal.Pending, j.delivery.Tries, j.delivery.Due
	case j.delivery.Test, attempt.Reason == peal.ReasonEncode, attempt.StatusCode == statusGone:
		s.Status, s.SettledAt = peal.Failed, now
	default:
		delay, again := hook.policy.Next(s.Tries, asked)
		if !again {
			s.Status, s.SettledAt = peal.Failed, now
			break
		}
		s.Status, s.Due = peal.Pending, e.clock.due().UTC().Truncate(time.Microsecond).Add(delay)
	}
	return s
}

const statusGone = 410 // RFC 9110, section 15.5.11: gone for good

// settle writes down what an attempt came to. A delivery that is due again soon is kept in
// memory; otherwise it is released, and claimed when it is due. The result is in the
// ledger before anything else can happen to the delivery.
func (e *Engine) settle(j *job, s *peal.Settlement) {
	full := false
	again := s.Status == peal.Pending && s.Attempt.Reason != peal.ReasonCanceled
	if again {
		j.delivery.Attempts++
		j.delivery.Tries, j.delivery.Due = s.Tries, s.Due
	}
	delay := s.Due.Sub(e.clock.due())
	if !again || delay > e.options.HoldRetry || !e.scheduler.hold(j, delay, func() {
		s.Held = true
		full = e.ledger.settle(*s)
	}) {
		full = e.ledger.settle(*s)
	}
	if full {
		e.ledger.warnFull()
	}
}

// settled is told about settlements that are durable now.
func (e *Engine) settled(settlements []peal.Settlement) {
	now := e.clock.due()
	for i := range settlements {
		s := &settlements[i]
		if s.Status != peal.Pending || s.Held {
			continue
		}
		if h := e.hooks.get(s.WebhookID); h != nil {
			if e.scheduler.owe(h, s.Due, now) {
				e.isWaitingFor(h.ID)
			}
		}
	}
}
