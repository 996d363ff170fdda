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
}

// lane is the queue of one webhook. The scheduler's mutex guards all of it.
type lane struct {
	id   peal.WebhookID
	hook *hook

	queue    fifo[*job]
	held     map[peal.DeliveryID]*job // retries that wait for their time in memory
	reserved int                      // places promised to inserts under way
	releases int                      // writes under way that release deliveries of it: until then nothing is claimed
	memory   int64                    // what its deliveries in memory cost, in bytes
	inFlight int

	foreign bool      // another node is the one that sends it
	ready   bool      // stands in a queue of ready lanes
	since   time.Time // it does so, while nothing is known of it
	pace    pace
	breaker breaker
	limiter *rate.Limiter
	wake    *time.Timer // makes the lane ready when its breaker or limiter lets it
	health  peal.Health
	warned  bool // operators know that the webhook fails

	// spilled is true while the store may hold deliveries that are due and that
	// nobody holds; new ones then go there too, so that they keep their order.
	spilled   bool
	spills    int       // counts the inserts that went to the store
	refilling bool      // stands in the queue of lanes to be refilled, or is being refilled
	due       time.Time // the earliest known due time of what nobody holds; zero for none
	dueIndex  int       // place in the scheduler's heap; -1 for none
}

// size is how many places of the lane are taken.
func (l *lane) size() int { return l.queue.len() + l.reserved + len(l.held) }

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

// drain empties the queue and gives what was in it.
func (q *fifo[T]) drain() []T {
	items := q.items[q.head:]
	*q = fifo[T]{}
	return items
}
