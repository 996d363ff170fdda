package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pealhq/peal/wire"
)

// Behaviours of the sink's endpoints.
const (
	takes = "take" // answers at once
	hangs = "hang" // answers after hangTime
	fails = "fail" // answers 500
)

const hangTime = 10 * time.Second

// checkEvery is the number of arrivals per verified signature.
const checkEvery = 64

// sink receives all deliveries: it serves the endpoints of every webhook.
type sink struct {
	listener net.Listener
	server   *http.Server
	secret   string
	done     chan error
	closing  chan struct{}
	buffers  sync.Pool

	mu      sync.RWMutex
	ledgers []*ledger
}

func startSink(secret string, wrap func(http.Handler) http.Handler) (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the sink: %w", err)
	}
	s := &sink{
		listener: listener, secret: secret,
		done: make(chan error, 1), closing: make(chan struct{}),
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	var handler http.Handler = http.HandlerFunc(s.receive)
	if wrap != nil {
		handler = wrap(handler)
	}
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { s.done <- s.server.Serve(listener) }()
	return s, nil
}

// stop closes the sink and waits for its goroutine.
func (s *sink) stop() error {
	close(s.closing)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	if ended := <-s.done; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// open creates a ledger and returns its endpoints.
func (s *sink) open(what string, width int) *endpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := newLedger(what, width)
	s.ledgers = append(s.ledgers, l)
	return &endpoints{ledger: l, base: "http://" + s.listener.Addr().String(), place: len(s.ledgers) - 1}
}

// endpoints represents the endpoints that receive the deliveries of a ledger.
type endpoints struct {
	*ledger
	base  string
	place int
}

// url returns the address of an endpoint with the given behaviour.
func (e *endpoints) url(behaviour string, endpoint int) string {
	return fmt.Sprintf("%s/%s/%d/%d", e.base, behaviour, e.place, endpoint)
}

func (s *sink) receive(w http.ResponseWriter, r *http.Request) {
	behaviour, l, endpoint := s.find(r.URL.Path)
	if l == nil {
		http.NotFound(w, r)
		return
	}
	buffer := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(r.Body); err != nil {
		return // the sender disconnected: nothing has arrived
	}
	at := time.Now()
	n := numberIn(buffer.Bytes())
	if n%checkEvery == 0 {
		l.verified(wire.Verify(wire.Standard, r.Header, buffer.Bytes(), s.secret))
	}
	if behaviour != fails {
		l.arrive(n, endpoint, at)
	}
	switch behaviour {
	case takes:
		w.WriteHeader(http.StatusNoContent)
	case fails:
		w.WriteHeader(http.StatusInternalServerError)
	case hangs:
		timer := time.NewTimer(hangTime)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		case <-s.closing:
		}
		io.WriteString(w, "at last\n")
	}
}

// find parses a path such as /take/3/0. l is nil if there is no such endpoint.
func (s *sink) find(path string) (behaviour string, l *ledger, endpoint int) {
	behaviour, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	place, number, _ := strings.Cut(rest, "/")
	i, err := strconv.Atoi(place)
	endpoint, err2 := strconv.Atoi(number)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err != nil || err2 != nil || i < 0 || i >= len(s.ledgers) {
		return "", nil, 0
	}
	return behaviour, s.ledgers[i], endpoint
}

var numberBegins = []byte(`"data":{"n":`)

// numberIn returns the number of the event in a delivery's body, or -1 if there is none.
func numberIn(body []byte) int {
	i := bytes.Index(body, numberBegins)
	if i < 0 {
		return -1
	}
	n, digits := 0, 0
	for _, c := range body[i+len(numberBegins):] {
		if c < '0' || c > '9' || digits > 15 {
			break
		}
		n, digits = 10*n+int(c-'0'), digits+1
	}
	if digits == 0 {
		return -1
	}
	return n
}

// ledger counts published events and their arrivals, event by event. Events are
// numbered from 0; each has width deliveries, one for each endpoint.
type ledger struct {
	what  string
	width int
	base  time.Time
	waits bool          // the deliveries wait: none is due during the run
	stuck time.Duration // time without arrivals after which due deliveries count as missing
	many  bool          // a number may be sent many times: only the sum is counted

	mu      sync.Mutex
	taken   int             // numbers taken by publishers
	kept    int             // acknowledged events
	acked   []bool          // by number: the server has acknowledged it
	count   []uint8         // by number and endpoint: arrivals
	first   []time.Duration // by number and endpoint: time of the first arrival, since base
	kills   []time.Duration // times of the server's kills, since base
	due     int             // deliveries of the acknowledged events
	came    int             // due deliveries that have arrived
	last    time.Duration   // the newest first arrival
	doubled int
	repeats int
	unknown int
	checked int
	forged  int
}

func newLedger(what string, width int) *ledger {
	return &ledger{what: what, width: width, base: time.Now(), stuck: stuckAfter}
}

// take reserves n consecutive numbers and returns the first.
func (l *ledger) take(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.taken
	l.taken += n
	for len(l.acked) < l.taken {
		l.acked = append(l.acked, false)
		for range l.width {
			l.count, l.first = append(l.count, 0), append(l.first, 0)
		}
	}
	return first
}

// acknowledge records that the server has accepted the n events that start at first.
func (l *ledger) acknowledge(first, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept += n
	if l.waits {
		return
	}
	if l.many {
		l.due += n * l.width
		return
	}
	for i := first; i < first+n; i++ {
		l.acked[i] = true
		l.due += l.width
		for e := range l.width {
			if l.count[i*l.width+e] > 0 {
				l.came++
			}
		}
	}
}

// repeatWindow is the longest time between an arrival and a kill for which the outcome
// may not be on disk yet, so that the delivery may arrive again.
const repeatWindow = 2 * time.Second

// arrive records an arrival.
func (l *ledger) arrive(n, endpoint int, at time.Time) {
	since := at.Sub(l.base)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 || n >= l.taken || endpoint < 0 || endpoint >= l.width {
		l.unknown++
		return
	}
	if l.many {
		l.came++
		return
	}
	i := n*l.width + endpoint
	l.count[i] = min(l.count[i], 254) + 1
	if l.count[i] > 1 {
		if l.killedWithin(l.first[i], since) {
			l.repeats++
		} else {
			l.doubled++
		}
		return
	}
	l.first[i], l.last = since, max(l.last, since)
	if l.acked[n] {
		l.came++
	}
}

// killedWithin reports whether the server was killed between two arrivals, and within
// repeatWindow of the first.
func (l *ledger) killedWithin(first, second time.Duration) bool {
	for _, kill := range l.kills {
		if first <= kill && kill <= second && kill-first <= repeatWindow {
			return true
		}
	}
	return false
}

// killed records that the server is killed now.
func (l *ledger) killed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kills = append(l.kills, time.Since(l.base))
}

// verified records the result of checking a signature.
func (l *ledger) verified(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checked++
	if err != nil {
		l.forged++
	}
}

// progress returns the number of due deliveries that have arrived, the number of due
// deliveries, and the time of the newest arrival.
func (l *ledger) progress() (came, due int, last time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.came, l.due, l.base.Add(l.last)
}

// stuckAfter is the time without arrivals after which due deliveries count as missing.
const stuckAfter = 15 * time.Second

// stuckOnNodes is the same on PostgreSQL, where a killed node's registration has to
// expire before its deliveries are sent.
const stuckOnNodes = 40 * time.Second

// await waits until all due deliveries have arrived, or none has for the time stuck; the
// count then shows the missing ones.
func (l *ledger) await(ctx context.Context) error {
	started := time.Now()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		came, due, last := l.progress()
		if came >= due || time.Since(later(started, last)) > l.stuck {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// latencies returns the sorted delays from the time at which each event was due, start +
// n × interval for number n, to its arrival.
func (l *ledger) latencies(start time.Time, interval time.Duration) samples {
	l.mu.Lock()
	defer l.mu.Unlock()
	started := start.Sub(l.base)
	var all samples
	for i, at := range l.first {
		if l.count[i] > 0 {
			all = append(all, at-started-time.Duration(i/l.width)*interval)
		}
	}
	return all.sort()
}

// tally returns the count.
func (l *ledger) tally() Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Count{
		What: l.what, Published: l.kept, Expected: l.due, Arrived: l.came, Missing: l.due - l.came,
		Doubled: l.doubled, Unknown: l.unknown, Repeated: l.repeats, Checked: l.checked, Forged: l.forged,
	}
}

// release frees the memory of the ledger, after the tally.
func (l *ledger) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken, l.acked, l.count, l.first = 0, nil, nil, nil
}
