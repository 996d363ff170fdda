package lanes

import (
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
)

// Webhook is a webhook as its lane sees it. Settings must return the same until the lane gets
// another Webhook by [Lanes.Replace].
type Webhook interface {
	Settings() *peal.Webhook
}

// Job is a delivery in memory: waiting for its attempt, or in it. While it waits, Lanes owns it.
// During the attempt its worker may read all, and write Delivery.
type Job struct {
	Delivery  peal.Delivery
	Event     *peal.Event
	Webhook   Webhook            // as it was when the attempt started; a test brings its own
	Origin    *trace.SpanContext // the span that published the event; nil when that is not known
	Test      any                // set for a test, for the owner's use
	Suspicion peal.Suspicion     // zero for nearly all
	Encoded   chan struct{}      // for the owner's use: closed when the request of a suspect is made

	// At is when the attempt started; while a retry is held in memory, when it is due.
	At     time.Time
	lane   *lane
	memory int64
	prev   *Job // neighbours in the list of attempts in flight, oldest first
	next   *Job
	slot   int32 // in the heap of alarms while it is held; -1 otherwise
	kind   kind  // under which its attempt counts

	Probe    bool // the only attempt of a half-open breaker
	ByHand   bool // a person waits for it: neither breaker nor Retry-After hold it back
	canceled bool // during the attempt: none follows
}

// overhead is the approximate cost of a delivery in memory beside its event's data, in bytes.
const overhead = 512

// Cost returns the approximate cost of a delivery of an event in memory, in bytes.
func Cost(event *peal.Event) int64 { return int64(len(event.Data)) + overhead }

// lane is the queue of one webhook.
type lane struct {
	id       peal.WebhookID
	webhook  Webhook // nil when it is not known or deleted
	settings *peal.Webhook

	urgent   fifo[*Job] // before queue: what a person asked for
	queue    fifo[*Job]
	held     map[peal.DeliveryID]*Job // retries that are due soon
	suspects int                      // deliveries of it that wait to be attempted alone
	soloTurn int                      // the number of its latest such attempt
	reserved int                      // places promised to inserts under way
	releases int                      // releases that are not written yet
	memory   int64                    // cost of its deliveries in memory, in bytes
	inFlight int

	foreign    bool      // another node sends it
	ready      bool      // is in a queue of ready lanes
	since      time.Time // when it came there, while its endpoint is unknown
	pace       pace
	breaker    breaker
	retryAfter time.Time // until when the endpoint asked to be left alone; zero for not
	limiter    *rate.Limiter
	alarmSlot  int32 // of the alarm at which breaker, limiter or Retry-After let it send again; -1 for none
	health     peal.WebhookHealth
	warned     bool // operators know that the webhook fails

	// spilled is true while the store may hold deliveries that are due and that nobody holds. New
	// ones go there too then, so that the order is kept.
	spilled  bool
	spills   int       // counts the inserts that went to the store
	claiming bool      // is in the queue of claims, or being claimed for
	due      time.Time // the earliest known due time of what nobody holds; zero for none
	dueSlot  int       // in the heap of due times; -1 for none
}

// size returns the number of places of the lane that are taken.
func (l *lane) size() int {
	return l.urgent.len() + l.queue.len() + l.reserved + len(l.held) + l.suspects
}

// head returns the job that is sent next; nil for none.
func (l *lane) head() *Job {
	switch {
	case l.urgent.len() > 0:
		return l.urgent.first()
	case l.queue.len() > 0:
		return l.queue.first()
	}
	return nil
}

// pop removes head.
func (l *lane) pop() *Job {
	if l.urgent.len() > 0 {
		return l.urgent.pop()
	}
	return l.queue.pop()
}

// isDown reports whether the endpoint gets no more than single requests: its breaker is open, or
// it asked to be left alone.
func (l *lane) isDown(now time.Time) bool {
	return l.breaker.failures >= breakAfter || !l.retryAfter.IsZero() && now.Before(l.retryAfter)
}

// sends reports whether the lane's webhook may be sent to, and by this node.
func (l *lane) sends() bool {
	return l.settings != nil && l.settings.Status == peal.Active && !l.foreign
}

// fifo is a queue that reuses its memory.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) push(item T) {
	if q.head > 32 && q.head*2 >= len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, item)
}

func (q *fifo[T]) pop() T {
	item := q.items[q.head]
	var none T
	q.items[q.head] = none
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
		if cap(q.items) > 256 {
			q.items = nil // a burst that has drained returns its memory
		}
	}
	return item
}

// first returns the item that pop removes next.
func (q *fifo[T]) first() T { return q.items[q.head] }

// last returns the item that was pushed last.
func (q *fifo[T]) last() T { return q.items[len(q.items)-1] }

// popLast removes the item that was pushed last.
func (q *fifo[T]) popLast() T {
	last := len(q.items) - 1
	item := q.items[last]
	var none T
	q.items[last] = none
	if q.items = q.items[:last]; q.head == last {
		q.items, q.head = q.items[:0], 0
	}
	return item
}

// remove removes the first item for which is reports true; it returns the zero value without one.
func (q *fifo[T]) remove(is func(T) bool) (found T) {
	for i := q.head; i < len(q.items); i++ {
		if is(q.items[i]) {
			found = q.items[i]
			copy(q.items[i:], q.items[i+1:])
			var none T
			q.items[len(q.items)-1] = none
			q.items = q.items[:len(q.items)-1]
			break
		}
	}
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return found
}

// drain empties the queue and returns its items.
func (q *fifo[T]) drain() []T {
	items := q.items[q.head:]
	*q = fifo[T]{}
	return items
}
