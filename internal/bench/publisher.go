package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// dataSize is the size of every event's data in bytes.
const dataSize = 1024

// filler is what the data is filled up with.
const filler = "One event rings every endpoint. An application hands it over once; it is signed, delivered to every subscribed address and tried again until it arrives. "

// appendEvent appends the JSON of an event whose data holds its number and is of dataSize.
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

// publisher is one connection that publishes. It writes requests by hand, so that
// the load costs as little as possible of the CPU that the server needs.
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

// publishPatience bounds one call.
const publishPatience = 60 * time.Second

// publish publishes n events from a number on in one call, and again while the
// server has no room for them.
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

// send makes the call; wait is when to make it again, when the server is busy.
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
	return 0, fmt.Errorf("publish: the server answers %s: %s", response.Status, text)
}

func (p *publisher) close() error { return p.conn.Close() }
