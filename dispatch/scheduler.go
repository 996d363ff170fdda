package dispatch

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/wake"
)

// releaser writes that this node does not hold deliveries any more, and calls then afterwards.
type releaser interface {
	release(ids []peal.DeliveryID, then func())
}

// scheduler owns the lanes: it serializes the calls, passes them the time and carries out their
// effects. Nobody else takes its lock. It also owns the workers of attempts, and the permission to
// send, which lasts as long as the node's lease.
type scheduler struct {
	releases  releaser
	elsewhere func([]peal.WebhookID) // learns of webhooks that another node has to send
	canceled  func(lanes.CanceledTest)
	stalled   atomic.Bool // results cannot be written: no attempt starts

	mu    sync.Mutex
	lanes *lanes.Lanes
	alarm wake.Alarm // calls ring when the lanes ask to be woken

	// sending ends when this node may not send any more; nil while it may not.
	sending  context.Context
	cut      context.CancelFunc
	opened   chan struct{} // closed when sending is set
	stopping bool

	spawn   func()     // starts a worker; called with mu held; nil before the engine runs
	workers int        // that there are
	idle    int        // of them, which wait and are not woken
	work    *sync.Cond // there may be an attempt for an idle worker
	busy    int        // attempts under way, with what follows them
	ended   *sync.Cond // busy became 0
	claims  *sync.Cond // there may be a claim to make

	due      wake.Signal // the earliest due time has changed
	suspects wake.Signal // a suspect may be attempted
}

// suspectRest is the least time, and half of the longest, that a process waits after its start before
// it attempts what was marked when another one ended: something else may be ending processes.
const suspectRest = 15 * time.Second

// newScheduler returns a scheduler that sends nothing before open.
func newScheduler(options *Options) *scheduler {
	s := &scheduler{
		lanes: lanes.New(lanes.Options{
			MaxInFlight: options.MaxInFlight, MaxSlow: options.MaxSlow,
			LaneInFlight: options.LaneInFlight, LaneQueue: options.LaneQueue, Memory: options.Memory,
			Started: time.Now(), SuspectRest: suspectRest + rand.N(suspectRest),
		}),
		opened: make(chan struct{}), due: wake.New(), suspects: wake.New(),
	}
	s.work, s.ended, s.claims = sync.NewCond(&s.mu), sync.NewCond(&s.mu), sync.NewCond(&s.mu)
	return s
}

// unlock carries out the effects of what was called under the lock, and releases it.
func (s *scheduler) unlock() {
	effects := s.wakeOthers()
	s.mu.Unlock()
	if effects.Due {
		s.due.Send()
	}
	if effects.Suspects {
		s.suspects.Send()
	}
	for _, canceled := range effects.Canceled {
		s.canceled(canceled)
	}
	for _, release := range effects.Release {
		s.releases.release(release.IDs, func() { s.released(release) })
	}
	if len(effects.Elsewhere) > 0 {
		s.elsewhere(effects.Elsewhere)
	}
}

// wakeOthers carries out the effects that need the lock, and returns all. The caller has mu.
func (s *scheduler) wakeOthers() lanes.Effects {
	effects := s.lanes.TakeEffects()
	for range effects.Start {
		if !s.wakeWorker() {
			break
		}
	}
	for range effects.Claim {
		s.claims.Signal()
	}
	s.alarm.Set(effects.Wake, s.ring)
	return effects
}

// ring wakes the lanes. It may be called early.
func (s *scheduler) ring() {
	s.mu.Lock()
	defer s.unlock()
	s.alarm.Rang()
	s.lanes.Wake(time.Now())
}

// maxIdle is the number of workers that wait for work; others end when there is none.
const maxIdle = 64

// wakeWorker wakes or starts a worker. It reports whether there was one. The caller has mu.
func (s *scheduler) wakeWorker() bool {
	switch {
	case s.stopping || s.stalled.Load() || s.sending == nil:
		return false
	case s.idle > 0:
		s.idle--
		s.work.Signal()
	case s.workers < s.lanes.MaxAttempts() && s.spawn != nil:
		s.workers++
		s.spawn()
	default:
		return false
	}
	return true
}

// next returns a worker's next attempt and its context; nil when the worker must end. after reports
// whether the worker comes from an attempt.
func (s *scheduler) next(after bool) (*lanes.Job, context.Context) {
	s.mu.Lock()
	defer s.unlock()
	if after {
		s.end()
	}
	for {
		if s.stopping {
			s.workers--
			return nil, nil
		}
		if !s.stalled.Load() {
			if j := s.lanes.Start(time.Now()); j != nil {
				s.busy++
				return j, s.sending
			}
		}
		if s.idle >= maxIdle {
			s.workers--
			return nil, nil
		}
		s.idle++
		s.wakeOthers() // a start has no other effects
		s.work.Wait()
	}
}

// end notes that an attempt is over, with what follows it. The caller has mu.
func (s *scheduler) end() {
	if s.busy--; s.busy == 0 {
		s.ended.Broadcast()
	}
}

// run lets workers start; spawn starts one.
func (s *scheduler) run(spawn func()) {
	s.mu.Lock()
	defer s.unlock()
	s.spawn = spawn
	s.lanes.StartReady()
}

// stall starts no attempts while on is true. With true it takes no lock.
func (s *scheduler) stall(on bool) {
	s.stalled.Store(on)
	if on {
		return
	}
	s.mu.Lock()
	defer s.unlock()
	s.lanes.StartReady()
}

// stop lets every worker end after the attempt it is in, and returns the deliveries that wait in
// memory.
func (s *scheduler) stop() (waiting []peal.DeliveryID) {
	s.mu.Lock()
	defer s.unlock()
	s.stopping = true
	s.work.Broadcast()
	s.claims.Broadcast()
	s.alarm.Stop()
	return s.lanes.Stop(errStopping)
}

var (
	errDeleted  = peal.Fail(peal.Conflict, message.WebhookDeleted)
	errStopping = peal.Fail(peal.Unavailable, message.Stopping).RetryIn(time.Second)
	errFenced   = peal.Fail(peal.Unavailable, message.NodeFenced).RetryIn(time.Second)
)

// open lets attempts start, until the given time (zero for no end).
func (s *scheduler) open(parent context.Context, until time.Time) {
	s.mu.Lock()
	defer s.unlock()
	if s.sending == nil {
		s.sending, s.cut = context.WithCancel(parent)
		close(s.opened)
	}
	s.lanes.Resume(time.Now(), until)
}

// fence ends sending: no attempt starts, and those in flight are cut off. With expired it does
// nothing when a renewal has extended the time. It reports whether it ended anything.
func (s *scheduler) fence(expired bool) bool {
	s.mu.Lock()
	defer s.unlock()
	if s.sending == nil || expired && !s.lanes.Expired(time.Now()) {
		return false
	}
	s.cut()
	s.sending, s.cut = nil, nil
	s.opened = make(chan struct{})
	s.lanes.Suspend()
	return true
}

// isOpen reports whether this node may send.
func (s *scheduler) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sending != nil && s.sending.Err() == nil
}

// waitOpen waits until this node may send; it reports false when that takes longer than patience,
// or than ctx.
func (s *scheduler) waitOpen(ctx context.Context, patience time.Duration) bool {
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-opened:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// waitEnded waits until no attempt is under way. After fence that is soon.
func (s *scheduler) waitEnded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy > 0 {
		s.ended.Wait()
	}
}

// term returns the current registration term.
func (s *scheduler) term() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.Term()
}

// newTerm forgets what is in memory, because others have taken it over.
func (s *scheduler) newTerm() {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.NewTerm(time.Now(), errFenced)
}

// plan is the routing of one event of a batch.
type plan struct {
	places []lanes.Place // one for each webhook that gets it
	cost   int64         // in memory, for each of them
	term   int           // of the lanes, when the places were reserved
}

func (s *scheduler) reserve(p *plan) {
	s.mu.Lock()
	defer s.unlock()
	p.term = s.lanes.Reserve(time.Now(), p.places, p.cost)
}

func (s *scheduler) commit(p *plan, insertion *peal.Insertion, origin *trace.SpanContext) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Commit(time.Now(), p.places, p.cost, p.term, insertion, origin)
}

func (s *scheduler) abandon(p *plan) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Abandon(time.Now(), p.places, p.cost)
}

func (s *scheduler) done(j *lanes.Job, result lanes.Result) (hasFailures bool) {
	s.mu.Lock()
	defer s.unlock()
	return s.lanes.Done(time.Now(), j, result)
}

// hold keeps a delivery in memory until its retry is due; before that can happen it calls note. It
// reports false when it does not, and the delivery must go back to the store.
func (s *scheduler) hold(j *lanes.Job, delay time.Duration, note func()) bool {
	s.mu.Lock()
	defer s.unlock()
	held := s.lanes.Hold(time.Now(), j, delay)
	if held {
		note()
	}
	return held
}

func (s *scheduler) learn(j *lanes.Job, policy *peal.RetryPolicy, ok, exhausted bool, at time.Time) lanes.HealthChange {
	s.mu.Lock()
	defer s.unlock()
	return s.lanes.Learn(j, policy, ok, exhausted, at)
}

func (s *scheduler) learnCertificate(j *lanes.Job, expires time.Time) (health peal.WebhookHealth, changed bool) {
	s.mu.Lock()
	defer s.unlock()
	return s.lanes.LearnCertificate(j, expires)
}

func (s *scheduler) forgive(id peal.WebhookID, health peal.WebhookHealth) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Forgive(id, health)
}

// replace sets the target of a webhook; nil when it is deleted.
func (s *scheduler) replace(id peal.WebhookID, t *target) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Replace(time.Now(), id, t.lanesWebhook(), errDeleted)
}

func (s *scheduler) released(r lanes.Release) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Released(time.Now(), r)
}

// noteDue records that the store has an unclaimed delivery, due at a time of the clock of due
// times, of which now is the present reading.
func (s *scheduler) noteDue(t *target, due, now time.Time) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.NoteDue(time.Now(), t, due, !due.After(now))
}

// callDue claims for the lanes that are due, and returns when the next one is; zero for never.
func (s *scheduler) callDue(now time.Time) time.Time {
	s.mu.Lock()
	defer s.unlock()
	return s.lanes.CallDue(time.Now(), now)
}

// nextClaim waits for a claim to make; ok is false when the engine stops.
func (s *scheduler) nextClaim() (claim lanes.Claim, ok bool) {
	s.mu.Lock()
	defer s.unlock()
	for !s.stopping {
		if claim, ok = s.lanes.NextClaim(time.Now()); ok {
			return claim, true
		}
		s.claims.Wait()
	}
	return lanes.Claim{}, false
}

func (s *scheduler) claimed(claim lanes.Claim, works []peal.ClaimedDelivery, more bool, next time.Time) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Claimed(time.Now(), claim, works, more, next)
}

func (s *scheduler) claimFailed(claim lanes.Claim, retry time.Time) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.ClaimFailed(claim, retry)
}

func (s *scheduler) hurry(webhook peal.WebhookID, id peal.DeliveryID) bool {
	s.mu.Lock()
	defer s.unlock()
	return s.lanes.Hurry(time.Now(), webhook, id)
}

// force sends next what a person asked for. t is nil when the webhook is deleted.
func (s *scheduler) force(t *target, work peal.ClaimedDelivery, term int) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Force(time.Now(), t.lanesWebhook(), work, term)
}

// try queues a test. t is nil when the webhook is deleted.
func (s *scheduler) try(j *lanes.Job, t *target) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Try(time.Now(), j, t.lanesWebhook(), errStopping)
}

func (s *scheduler) cancelTest(j *lanes.Job, reason error) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.CancelTest(j, reason)
}

func (s *scheduler) drop(ids map[peal.DeliveryID]bool) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Drop(time.Now(), ids)
}

func (s *scheduler) dropOne(webhook peal.WebhookID, id peal.DeliveryID) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.DropOne(time.Now(), webhook, id)
}

func (s *scheduler) setPeers(p lanes.Peers) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.SetPeers(time.Now(), p)
}

func (s *scheduler) probeNow(id peal.WebhookID) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.ProbeNow(time.Now(), id)
}

func (s *scheduler) status(id peal.WebhookID) lanes.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.Status(time.Now(), id)
}

func (s *scheduler) load() peal.NodeLoad {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.Load()
}

func (s *scheduler) counts() lanes.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.Counts()
}
