package dispatch

import (
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
)

// job is a delivery in memory, waiting for its attempt or in it.
type job struct {
	delivery peal.Delivery
	event    *peal.Event
	lane     *lane
	hook     *hook // the webhook's settings when the attempt began

	timer  *time.Timer // runs out when a held retry is due
	probe  bool        // the single attempt of a half-open breaker
	kind   kind        // that it is counted with
	start  time.Time   // of the attempt
	prev   *job        // neighbours in the list of attempts in flight, oldest first
	next   *job
	memory int64
	origin *trace.SpanContext // of the span that published the event; nil when that is not known

	canceled bool // while in flight: nothing follows this attempt

	byHand    bool // a person waits for it: breaker and rest do not hold it back
	test      *testRun
	suspicion peal.Suspicion // zero for nearly all
	encoded   chan struct{}  // is closed once its request is made; nil for nearly all
}

// lane is the queue of one webhook. The scheduler's mutex guards all of it.
type lane struct {
	id   peal.WebhookID
	hook *hook

	urgent   fifo[*job] // goes before queue: what a person asked for
	queue    fifo[*job]
	held     map[peal.DeliveryID]*job // retries that wait for their time in memory
	suspects int                      // deliveries of it that wait for their turn alone
	soloTurn int                      // when one of those had its turn
	reserved int                      // places promised to inserts under way
	releases int                      // writes under way that release deliveries of it: until then nothing is claimed
	memory   int64                    // what its deliveries in memory cost, in bytes
	inFlight int

	foreign   bool      // another node is the one that sends it
	ready     bool      // stands in a queue of ready lanes
	since     time.Time // it does so, while nothing is known of it
	pace      pace
	breaker   breaker
	restUntil time.Time // until when the endpoint asked to be left alone; zero for not
	limiter   *rate.Limiter
	wake      *time.Timer // makes the lane ready when its breaker or limiter lets it
	health    peal.Health
	warned    bool // operators know that the webhook fails

	// spilled is true while the store may hold deliveries that are due and that
	// nobody holds; new ones then go there too, so that they keep their order.
	spilled   bool
	spills    int       // counts the inserts that went to the store
	refilling bool      // stands in the queue of lanes to be refilled, or is being refilled
	due       time.Time // the earliest known due time of what nobody holds; zero for none
	dueIndex  int       // place in the scheduler's heap; -1 for none
}

// size is how many places of the lane are taken.
func (l *lane) size() int {
	return l.urgent.len() + l.queue.len() + l.reserved + len(l.held) + l.suspects
}

// url is where the lane's webhook is sent to; "" when it is gone.
func (l *lane) url() string {
	if l.hook == nil {
		return ""
	}
	return l.hook.URL
}

// head returns the job that is sent next; nil for none.
func (l *lane) head() *job {
	switch {
	case l.urgent.len() > 0:
		return l.urgent.first()
	case l.queue.len() > 0:
		return l.queue.first()
	}
	return nil
}

// pop takes head out.
func (l *lane) pop() *job {
	if l.urgent.len() > 0 {
		return l.urgent.pop()
	}
	return l.queue.pop()
}

// isDown reports whether the endpoint gets no more than single requests now: its breaker
// is open, or it asked to be left alone.
func (l *lane) isDown() bool {
	return l.breaker.failures >= breakAfter || !l.restUntil.IsZero() && time.Now().Before(l.restUntil)
}

// sends reports whether the lane's webhook may be sent to, and by this node.
func (l *lane) sends() bool { return l.hook != nil && l.hook.Status == peal.Active && !l.foreign }

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
			q.items = nil // a drained burst gives its memory back
		}
	}
	return item
}

// first is what pop takes next.
func (q *fifo[T]) first() T { return q.items[q.head] }

// last is what was pushed last.
func (q *fifo[T]) last() T { return q.items[len(q.items)-1] }

// popLast takes what was pushed last.
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

// remove takes the first item out that is one; the zero value when none is.
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

// drain empties the queue and gives what was in it.
func (q *fifo[T]) drain() []T {
	items := q.items[q.head:]
	*q = fifo[T]{}
	return items
}
