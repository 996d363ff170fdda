package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// bareLoop posts signed bodies directly to the sink. It shows what net/http can do on
// this machine now.
type bareLoop struct {
	client   *http.Client
	secret   string
	url      string
	requests []wire.Request // one for each goroutine
	expected *endpoints
	// lowest and highest are the extreme rates of all passes.
	lowest, highest float64
}

func newBareLoop(s *sink) (*bareLoop, error) {
	b := &bareLoop{
		client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}},
		secret:   s.secret,
		expected: s.open("bare", 1),
	}
	b.url = b.expected.url(takes, 0)
	b.expected.many = true
	b.expected.take(clients)
	for n := range clients {
		r, err := signedRequest(s.secret, n)
		if err != nil {
			return nil, err
		}
		b.requests = append(b.requests, r)
	}
	return b, nil
}

// signedRequest creates a delivery as Peal would.
func signedRequest(secret string, n int) (wire.Request, error) {
	format, ok := wire.Lookup("standard")
	if !ok {
		return wire.Request{}, fmt.Errorf("the format standard is unknown")
	}
	text := appendEvent(nil, "bench", n)
	var event peal.Event
	if err := json.Unmarshal(text, &struct {
		Type *string
		Data *json.RawMessage
	}{&event.Type, &event.Data}); err != nil {
		return wire.Request{}, fmt.Errorf("create a delivery: %w", err)
	}
	event.ID = peal.NewEventKey().String()
	request, err := format.Request(&wire.Input{
		Event:   &event,
		Webhook: &peal.Webhook{Format: "standard", Secrets: []peal.Secret{{Value: secret}}},
		Time:    time.Now(),
	})
	if err != nil {
		return wire.Request{}, fmt.Errorf("create a delivery: %w", err)
	}
	return request, nil
}

func (b *bareLoop) post(ctx context.Context, r wire.Request) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	request.Header = r.Header
	response, err := b.client.Do(request)
	if err != nil {
		return fmt.Errorf("post to the sink: %w", err)
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// pass is the result of one run of the loop.
type pass struct {
	rate float64       // requests a second
	cpu  time.Duration // CPU time of this process, both sides, for a request; 0 if unknown
}

// run posts as fast as it can for a duration.
func (b *bareLoop) run(ctx context.Context, duration time.Duration) (pass, error) {
	started := time.Now()
	cpu, _ := ownCPU()
	deadline := started.Add(duration)
	var posts atomic.Int64
	var wg sync.WaitGroup
	failures := make([]error, clients)
	for i := range clients {
		wg.Go(func() {
			for time.Now().Before(deadline) && failures[i] == nil {
				if failures[i] = b.post(ctx, b.requests[i]); failures[i] == nil {
					posts.Add(1)
					b.expected.acknowledge(i, 1)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range failures {
		if err != nil {
			return pass{}, err
		}
	}
	n := posts.Load()
	p := pass{rate: float64(n) / time.Since(started).Seconds()}
	if b.highest == 0 || p.rate < b.lowest {
		b.lowest = p.rate
	}
	b.highest = max(b.highest, p.rate)
	if after, ok := ownCPU(); ok && n > 0 {
		p.cpu = (after - cpu) / time.Duration(n)
	}
	return p, nil
}

// latencies posts at a fixed rate and returns the sorted delays from the time at which
// each post was due to its arrival.
func (b *bareLoop) latencies(ctx context.Context, to *endpoints, interval time.Duration, total int) (samples, error) {
	paced := &bareLoop{client: b.client, url: to.url(takes, 0)}
	timer, err := newClock()
	if err != nil {
		return nil, err
	}
	defer timer.close()
	to.take(total)
	start := time.Now().Add(interval)
	for n := range total {
		request, err := signedRequest(b.secret, n)
		if err != nil {
			return nil, err
		}
		if err := timer.until(start.Add(time.Duration(n) * interval)); err != nil {
			return nil, err
		}
		if err := paced.post(ctx, request); err != nil {
			return nil, err
		}
		to.acknowledge(n, 1)
	}
	return to.ledger.latencies(start, interval), nil
}

func (b *bareLoop) close() { b.client.CloseIdleConnections() }

// newSecret returns a new secret, which signs all deliveries of a run.
func newSecret() (string, error) {
	format, ok := wire.Lookup("standard")
	if !ok {
		return "", errors.New("the format standard is unknown")
	}
	return format.NewSecret(), nil
}
