package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// dataSize is the size of each event's data, in bytes.
const dataSize = 1024

// filler pads the data.
const filler = "One event rings every endpoint. An application hands it over once; it is signed, delivered to every subscribed address and tried again until it arrives. "

// appendEvent appends the JSON of an event with its number in data of dataSize bytes.
func appendEvent(b []byte, eventType string, number int) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, eventType...)
	b = append(b, `","data":`...)
	begin := len(b)
	b = append(b, `{"n":`...)
	b = strconv.AppendInt(b, int64(number), 10)
	b = append(b, `,"text":"`...)
	for missing := begin + dataSize - 2 - len(b); missing > 0; missing = begin + dataSize - 2 - len(b) {
		b = append(b, filler[:min(missing, len(filler))]...)
	}
	return append(b, `"}}`...)
}

// publisher is a connection that publishes events. It writes requests by hand to leave
// as much CPU time as possible to the server.
type publisher struct {
	conn    net.Conn
	reader  *bufio.Reader
	key     string
	tenant  string
	address string
	body    []byte
	request []byte
}

func dialPublisher(ctx context.Context, n *node, tenant string) (*publisher, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", n.address)
	if err != nil {
		return nil, fmt.Errorf("connect a publisher: %w", err)
	}
	return &publisher{conn: conn, reader: bufio.NewReader(conn), key: n.key, tenant: tenant, address: n.address}, nil
}

// publishPatience is the timeout of one call.
const publishPatience = 60 * time.Second

// publish publishes the n events that start at first in one call. It repeats the call
// while the server has no room for them.
func (p *publisher) publish(ctx context.Context, first, n int, eventType func(number int) string) error {
	path := "/v1/events"
	if n == 1 {
		p.body = appendEvent(p.body[:0], eventType(first), first)
	} else {
		path = "/v1/events/batch"
		p.body = append(p.body[:0], `{"events":[`...)
		for i := first; i < first+n; i++ {
			if i > first {
				p.body = append(p.body, ',')
			}
			p.body = appendEvent(p.body, eventType(i), i)
		}
		p.body = append(p.body, "]}"...)
	}
	p.request = fmt.Appendf(p.request[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nPeal-Tenant: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, p.address, p.key, p.tenant, len(p.body))
	p.request = append(p.request, p.body...)
	for {
		wait, err := p.send()
		if err != nil || wait == 0 {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send sends the call. If the server is busy, wait is the time until the next try.
func (p *publisher) send() (wait time.Duration, err error) {
	if err := p.conn.SetDeadline(time.Now().Add(publishPatience)); err != nil {
		return 0, err
	}
	if _, err := p.conn.Write(p.request); err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	response, err := http.ReadResponse(p.reader, nil)
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusAccepted:
		_, err := io.Copy(io.Discard, response.Body)
		return 0, err
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		_, err := io.Copy(io.Discard, response.Body)
		return max(time.Duration(seconds)*time.Second, 10*time.Millisecond), err
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 2048))
	return 0, fmt.Errorf("publish: the server answered %s: %s", response.Status, text)
}

func (p *publisher) close() error { return p.conn.Close() }

// clients is the number of concurrent publishers.
const clients = 64

// load is a stream of events into a server.
type load struct {
	node      *node
	tenant    string
	to        *ledger
	eventType func(number int) string // nil for "bench"
	batch     int                     // events in a call; 0 means 1
	clients   int                     // 0 means 64
}

func (l load) withDefaults() load {
	if l.eventType == nil {
		l.eventType = func(int) string { return "bench" }
	}
	l.batch = max(l.batch, 1)
	if l.clients == 0 {
		l.clients = clients
	}
	return l
}

// flood publishes as fast as the server accepts events, for a duration or, if limit is
// above 0, until limit events are published.
func (l load) flood(ctx context.Context, duration time.Duration, limit int) error {
	l = l.withDefaults()
	deadline := time.Now().Add(duration)
	var given atomic.Int64
	return l.each(ctx, func(ctx context.Context, p *publisher) error {
		for ctx.Err() == nil && (limit > 0 || time.Now().Before(deadline)) {
			n := l.batch
			if limit > 0 {
				n = min(n, limit-int(given.Add(int64(n)))+n)
				if n <= 0 {
					return nil
				}
			}
			first := l.to.take(n)
			if err := p.publish(ctx, first, n, l.eventType); err != nil {
				return err
			}
			l.to.acknowledge(first, n)
		}
		return ctx.Err()
	})
}

// stream publishes total events at a fixed rate: event n at start + n × interval,
// regardless of those before it. It returns the start and the sorted delays of the calls.
func (l load) stream(ctx context.Context, interval time.Duration,
	total int) (start time.Time, late samples, err error) {
	l = l.withDefaults()
	first := l.to.take(total)
	var next atomic.Int64
	var mu sync.Mutex
	start = time.Now().Add(100 * time.Millisecond) // time for all to connect
	err = l.each(ctx, func(ctx context.Context, p *publisher) error {
		timer, err := newClock()
		if err != nil {
			return err
		}
		defer timer.close()
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			if n >= total {
				return nil
			}
			due := start.Add(time.Duration(n) * interval)
			if err := timer.until(due); err != nil {
				return err
			}
			lateness := time.Since(due)
			if err := p.publish(ctx, first+n, 1, l.eventType); err != nil {
				return err
			}
			l.to.acknowledge(first+n, 1)
			mu.Lock()
			late = append(late, lateness)
			mu.Unlock()
		}
		return ctx.Err()
	})
	return start, late.sort(), err
}

// each runs work for every client and cancels all of them when one fails.
func (l load) each(ctx context.Context, work func(context.Context, *publisher) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range l.clients {
		wg.Go(func() {
			p, err := dialPublisher(ctx, l.node, l.tenant)
			if err != nil {
				cancel(err)
				return
			}
			release := context.AfterFunc(ctx, func() { p.close() }) // ends a pending read
			if err := work(ctx, p); err != nil {
				cancel(err) // the first failure is the cause; the others follow from it
			}
			if release() {
				p.close()
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
