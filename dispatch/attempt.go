package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/wire"
)

// attempter runs the attempts that the scheduler starts, and decides what each means for its
// delivery.
type attempter struct {
	courier   *courier
	scheduler *scheduler
	ledger    *ledger
	health    *healthKeeper
	marks     *marks
	metrics   *metrics
	answered  func(peal.WebhookID) // learns that a probe has succeeded
	now       func() time.Time     // the clock of due times
	holdRetry time.Duration        // the longest delay of a retry that stays in memory
}

// work runs attempts until there are none for it.
func (a *attempter) work() {
	for after := false; ; after = true {
		j, ctx := a.scheduler.next(after)
		if j == nil {
			return
		}
		a.attempt(ctx, j)
	}
}

// attempt runs one attempt of a delivery and decides what follows. The context ends when this
// node may not send any more.
func (a *attempter) attempt(ctx context.Context, j *lanes.Job) {
	attempt := peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: j.Delivery.ID, Number: j.Delivery.Attempts + 1,
		Timing: peal.AttemptTiming{Wait: max(j.At.Sub(j.Delivery.Due), 0)},
	}
	crashpoint.Reach(crashpoint.AttemptBegins)
	crashpoint.ReachWith(crashpoint.AttemptOf, j.Event.Data)
	if j.Test != nil {
		a.attemptTest(ctx, j, &attempt)
		return
	}
	response := a.courier.send(ctx, j, &attempt)
	crashpoint.Reach(crashpoint.AttemptAnswered)
	if j.Suspicion != (peal.Suspicion{}) {
		a.marks.clear(ctx, j.Delivery.ID, &attempt)
	}
	settlement := judge(j, &attempt, response.RetryAfter, a.now)
	result := lanes.Result{
		Took: attempt.Timing.Total, OK: attempt.Succeeded(), RetryAfter: retryAfter(&attempt, response),
		Telling: attempt.Reason != peal.ReasonEncode && attempt.Reason != peal.ReasonCanceled,
	}
	hasFailures := a.scheduler.done(j, result)
	if j.Probe && result.OK {
		a.answered(j.Delivery.WebhookID)
	}
	a.settle(j, &settlement)
	a.metrics.ended(j.Event, &attempt, settlement.Status)
	if !response.CertificateExpires.IsZero() {
		a.health.certificate(j, response.CertificateExpires)
	}
	if result.Telling && (hasFailures || !result.OK) {
		a.health.after(j, &attempt, settlement.Status)
	}
}

// attemptTest runs the attempt of a test. It ends when this node may not send any more, and when its
// caller has left.
func (a *attempter) attemptTest(ctx context.Context, j *lanes.Job, attempt *peal.Attempt) {
	run := j.Test.(*testRun)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(run.ctx, cancel)()
	a.courier.send(ctx, j, attempt)
	ok := attempt.Succeeded()
	// A failure does not count against the endpoint: a person is trying things out.
	a.scheduler.done(j, lanes.Result{Took: attempt.Timing.Total, OK: ok, Telling: ok})
	run.end <- testEnd{attempt: *attempt, err: run.ctx.Err()}
}

// testRun is the Test of a job: its caller waits for the end.
type testRun struct {
	ctx context.Context // of the caller
	end chan testEnd    // has room for one
}

// testEnd is the attempt of a test, and why there was none that counts; nil when it counts.
type testEnd struct {
	attempt peal.Attempt
	err     error
}

// endTest ends a test of which the attempt has not started.
func endTest(canceled lanes.CanceledTest) {
	j, now := canceled.Job, time.Now().UTC().Truncate(time.Microsecond)
	j.Test.(*testRun).end <- testEnd{err: canceled.Err, attempt: peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: j.Delivery.ID, Number: 1, StartedAt: now, URL: peal.RedactURL(targetOf(j).URL),
		Reason: peal.ReasonCanceled, Error: "the test ended before its attempt started",
	}}
}

// retryAfter returns for how long an endpoint asked to be left alone by its status; 0 for not.
func retryAfter(attempt *peal.Attempt, response egress.Response) time.Duration {
	if attempt.StatusCode == http.StatusTooManyRequests || attempt.StatusCode == http.StatusServiceUnavailable {
		return response.RetryAfter
	}
	return 0
}

// judge decides what an attempt means for its delivery. asked is for how long the endpoint asked to
// be left alone; dueNow is the clock of due times.
func judge(j *lanes.Job, attempt *peal.Attempt, asked time.Duration, dueNow func() time.Time) peal.Settlement {
	t := targetOf(j)
	now := time.Now().UTC().Truncate(time.Microsecond)
	s := peal.Settlement{Attempt: *attempt, WebhookID: t.ID, Tries: j.Delivery.Tries + 1, Test: j.Delivery.Test}
	switch {
	case attempt.Succeeded():
		s.Status, s.SettledAt = peal.Success, now
	case attempt.Reason == peal.ReasonCanceled:
		// Peal stopped in the middle: nothing is known, so the try does not count.
		s.Status, s.Tries, s.Due = peal.Pending, j.Delivery.Tries, j.Delivery.Due
	case j.Delivery.Test, attempt.Reason == peal.ReasonEncode, attempt.StatusCode == http.StatusGone:
		s.Status, s.SettledAt = peal.Failed, now
	default:
		delay, again := t.policy.Next(s.Tries, asked)
		if !again {
			s.Status, s.SettledAt = peal.Failed, now
			break
		}
		s.Status, s.Due = peal.Pending, dueNow().UTC().Truncate(time.Microsecond).Add(delay)
	}
	return s
}

// settle records the result of an attempt in the ledger before anything else can happen to the
// delivery. One that is due again soon stays in memory; another is claimed when it is due.
func (a *attempter) settle(j *lanes.Job, s *peal.Settlement) {
	isFull := false
	isRetried := s.Status == peal.Pending && s.Attempt.Reason != peal.ReasonCanceled
	if isRetried {
		j.Delivery.Attempts++
		j.Delivery.Tries, j.Delivery.Due = s.Tries, s.Due
	}
	delay := s.Due.Sub(a.now())
	if !isRetried || delay > a.holdRetry || !a.scheduler.hold(j, delay, func() {
		s.Held = true
		isFull = a.ledger.settle(*s)
	}) {
		isFull = a.ledger.settle(*s)
	}
	if isFull {
		a.ledger.warnFull()
	}
}

// courier encodes events as requests, and sends them.
type courier struct {
	log    *slog.Logger
	tokens *egress.Tokens
	tracer *tracer         // nil when nothing is traced
	origin string          // the deployment's name for endpoints with Handshake
	hard   context.Context // ends when requests in flight are cut off at a stop
}

// send encodes the request of an attempt and sends it. A panic meanwhile fails the attempt.
func (c *courier) send(ctx context.Context, j *lanes.Job, attempt *peal.Attempt) (response egress.Response) {
	t := targetOf(j)
	started := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			c.logPanic(cause, t)
			attempt.StartedAt, attempt.URL = started.UTC().Truncate(time.Microsecond), peal.RedactURL(t.URL)
			attempt.Timing = peal.AttemptTiming{Wait: attempt.Timing.Wait, Total: time.Since(started)}
			attempt.Reason, attempt.Error, response = peal.ReasonOther, "Peal failed while it made this attempt; its log says where", egress.Response{}
		}
	}()
	if c.tracer != nil {
		traced, span := c.tracer.attempt(ctx, j, t, attempt)
		defer c.tracer.attempted(span, attempt)
		ctx = traced
	}
	request, err := c.encode(ctx, nil, t, j.Event, attempt.DeliveryID, started)
	if err != nil {
		attempt.StartedAt = started.UTC().Truncate(time.Microsecond)
		attempt.Timing.Total = time.Since(started)
		attempt.URL = peal.RedactURL(t.URL)
		attempt.Reason, attempt.Error = peal.ReasonEncode, err.Error()
		if ctx.Err() != nil || c.hard.Err() != nil {
			attempt.Reason = peal.ReasonCanceled // nothing is known about the delivery
		}
		return egress.Response{}
	}
	if c.tracer != nil {
		c.tracer.inject(ctx, &request)
	}
	if j.Encoded != nil {
		close(j.Encoded)
	}
	return c.do(ctx, t, &request, attempt)
}

// logPanic logs where a panic came from. Of its cause only the runtime's own words are logged: a
// value may hold secrets.
func (c *courier) logPanic(cause any, t *target) {
	why := fmt.Sprintf("a value of type %T", cause)
	if err, ok := cause.(runtime.Error); ok {
		why = err.Error()
	}
	c.log.Error("a panic failed an attempt", "webhook", t.ID, "tenant", t.Tenant, "panic", why, "stack", string(debug.Stack()))
}

// encode returns the request of an attempt. Within a larger request, purse is the purse of that;
// otherwise it is nil. The purse has no turn afterwards. A panic of a transform or a format is an
// error.
func (c *courier) encode(ctx context.Context, purse *match.Purse, t *target, event *peal.Event, id peal.DeliveryID, at time.Time) (request wire.Request, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if purse != nil {
				purse.Close()
			}
			c.logPanic(cause, t)
			request, err = wire.Request{}, errors.New("the transform or the format panicked on this event")
		}
	}()
	if t.client == nil {
		return wire.Request{}, peal.Invalidf("client_certificate", "or the pins cannot be used: set them again")
	}
	if t.format == nil {
		return wire.Request{}, peal.Invalidf("format", "%q is not known to this version", t.Format)
	}
	if t.barred != nil {
		return wire.Request{}, t.barred
	}
	if purse == nil && t.route.Transforms() {
		purse = match.NewPurse(ctx, c.hard, t.Tenant).Patient()
	}
	if t.route.Transforms() {
		data, err := t.route.Transform(purse, event)
		purse.Close()
		if err != nil {
			return wire.Request{}, err
		}
		transformed := *event
		transformed.Data = data
		event = &transformed
	}
	request, err = t.format.Request(&wire.Input{
		Event: event, Webhook: t.Webhook, DeliveryID: id, Time: at, Context: ctx, Variables: t.variables,
	})
	if err == nil && t.Handshake {
		setHeader(request.Header, requestOrigin, c.origin)
	}
	return request, err
}

// requestOrigin names the deployment to endpoints that have consented to its requests.
const requestOrigin = "WebHook-Request-Origin"

// setHeader sets a header and removes it where its name is spelled with other capitals.
func setHeader(header http.Header, name, value string) {
	for other := range header {
		if strings.EqualFold(other, name) {
			delete(header, other)
		}
	}
	header[name] = []string{value}
}

// do sends a request on the terms of its webhook, with a token where it has OAuth2. When the
// endpoint refuses a cached token, it sends one more request with a new one, within the attempt: a
// token that was revoked is nobody's failure.
func (c *courier) do(ctx context.Context, t *target, request *wire.Request, attempt *peal.Attempt) egress.Response {
	if t.OAuth2 == nil {
		return t.client.Do(ctx, request, t.Timeout, attempt)
	}
	before := *attempt
	started := time.Now()
	token, fresh, ok := c.authorize(ctx, t, request, attempt, "")
	if !ok {
		return egress.Response{}
	}
	response := t.client.Do(ctx, request, t.Timeout, attempt)
	if attempt.StatusCode == http.StatusUnauthorized && !fresh {
		*attempt = before
		if _, _, ok := c.authorize(ctx, t, request, attempt, token); !ok {
			return egress.Response{}
		}
		response = t.client.Do(ctx, request, t.Timeout, attempt)
	}
	attempt.StartedAt, attempt.Timing.Total = started.UTC().Truncate(time.Microsecond), time.Since(started)
	return response
}

// tokenTime bounds the request for a token, which comes before an attempt's own time.
const tokenTime = 10 * time.Second

// authorize sets a token on a request; stale is one that the endpoint has refused. Without a token
// the attempt has failed, and ok is false.
func (c *courier) authorize(ctx context.Context, t *target, request *wire.Request, attempt *peal.Attempt, stale string) (token string, fresh, ok bool) {
	started := time.Now()
	asking, cancel := context.WithTimeout(ctx, min(t.Timeout, tokenTime))
	defer cancel()
	token, fresh, err := c.tokens.Get(asking, t.Tenant, t.OAuth2, stale)
	if err != nil {
		attempt.StartedAt, attempt.Timing.Total = started.UTC().Truncate(time.Microsecond), time.Since(started)
		attempt.URL, attempt.BodySize, attempt.RequestHead = peal.RedactURL(t.URL), len(request.Body), egress.RequestHead(request)
		attempt.Reason, attempt.Error = peal.ReasonToken, err.Error()
		var why *egress.TokenError
		if errors.As(err, &why) {
			attempt.Reason = why.Reason
		}
		return "", false, false
	}
	setHeader(request.Header, "Authorization", token)
	return token, fresh, true
}

// A delivery that was due in the memory of a process that ended without notice is a suspect: its
// attempt may be what ended it. Suspects are attempted one at a time, and each is marked in the
// store first, so that another end of the process points to one of them. An attempt that comes to
// its end, with whatever result, clears its delivery. Nothing is written for deliveries that are
// not suspects.
//
// marks writes what is known against suspects.
type marks struct {
	store interface {
		MarkSuspect(ctx context.Context, node peal.NodeID, id peal.DeliveryID, mark peal.SuspectMark) error
	}
	node     func() peal.NodeID
	patience time.Duration // for one write
	log      *slog.Logger
}

func (m *marks) set(ctx context.Context, id peal.DeliveryID, mark peal.SuspectMark) error {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	return m.store.MarkSuspect(ctx, m.node(), id, mark)
}

// clear ends the suspicion against a delivery after its attempt.
func (m *marks) clear(ctx context.Context, id peal.DeliveryID, attempt *peal.Attempt) {
	mark := peal.MarkCleared
	if attempt.Reason == peal.ReasonCanceled {
		mark = peal.MarkOff // it was cut off: nothing is known
	}
	if err := m.set(context.WithoutCancel(ctx), id, mark); err != nil {
		m.log.Warn("cannot clear a delivery that was attempted alone; another end of the process may count against it", "delivery", id, "error", err)
	}
}
