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

// What an endpoint of the sink does.
const (
	takes = "take" // answers at once
	hangs = "hang" // answers after hangTime
	fails = "fail" // answers 500
)

const hangTime = 10 * time.Second

// checkEvery is how many arrivals there are to one whose signature is verified.
const checkEvery = 64

// sink receives what is delivered: the endpoints of every webhook.
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

// stop ends the sink and waits for its end.
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

// open gives a ledger its place in the sink.
func (s *sink) open(what string, width int) *endpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := newLedger(what, width)
	s.ledgers = append(s.ledgers, l)
	return &endpoints{ledger: l, base: "http://" + s.listener.Addr().String(), place: len(s.ledgers) - 1}
}

// endpoints are where the deliveries of a ledger go.
type endpoints struct {
	*ledger
	base  string
	place int
}

// url gives the address of an endpoint that behaves in a way.
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
		return // the sender broke off: nothing has arrived
	}
	at := time.Now()
	n := numberIn(buffer.Bytes())
	if n%checkEvery == 0 {
		l.verified(wire.Verify("standard", r.Header, buffer.Bytes(), s.secret))
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

// find takes a path such as /take/3/0 apart.
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

// numberIn gives the number of the event in a delivery's body; -1 when there is none.
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
