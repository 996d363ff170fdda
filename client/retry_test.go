package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
)

// script is a transport that returns one outcome after another: 0 is a broken
// connection, anything else a status. It notes when it was asked.
type script struct {
	outcomes   []int
	retryAfter string
	asked      []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, time.Now())
	status := s.outcomes[0]
	s.outcomes = s.outcomes[1:]
	if status == 0 {
		return nil, errors.New("connection reset")
	}
	return &http.Response{
		StatusCode: status, Request: r, Body: io.NopCloser(strings.NewReader("{}")),
		Header: http.Header{"Retry-After": {s.retryAfter}},
	}, nil
}

func (s *script) client(t *testing.T, retries int) *client.Client {
	t.Helper()
	c, err := client.New("http://peal.example", "", client.Options{Retries: retries, HTTPClient: &http.Client{Transport: s}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var data = json.RawMessage("1")

func TestRetries(t *testing.T) {
	read := func(ctx context.Context, c *client.Client) error { _, err := c.Webhook(ctx, "w"); return err }
	remove := func(ctx context.Context, c *client.Client) error { return c.DeleteWebhook(ctx, "w") }
	create := func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateWebhook(ctx, client.WebhookRequest{})
		return err
	}
	publish := func(events ...client.NewEvent) func(context.Context, *client.Client) error {
		return func(ctx context.Context, c *client.Client) error { _, err := c.PublishBatch(ctx, events); return err }
	}
	for name, test := range map[string]struct {
		do       func(context.Context, *client.Client) error
		retries  int
		outcomes []int
		calls    int
		ok       bool
	}{
		"not asked for":               {read, 0, []int{503, 200}, 1, false},
		"reading while busy":          {read, 5, []int{0, 429, 502, 503, 504, 200}, 6, true},
		"no more than allowed":        {read, 2, []int{503, 503, 503, 200}, 3, false},
		"a refusal is final":          {read, 5, []int{422, 200}, 1, false},
		"a defect is final":           {read, 5, []int{500, 200}, 1, false},
		"deleted by an earlier try":   {remove, 5, []int{0, 404}, 2, true},
		"was never there":             {remove, 5, []int{404, 204}, 1, false},
		"creating is never repeated":  {create, 5, []int{503, 201}, 1, false},
		"publishing with an id":       {publish(client.NewEvent{Type: "t", ID: "a", Data: data}), 5, []int{0, 202}, 2, true},
		"publishing without some ids": {publish(client.NewEvent{Type: "t", ID: "a", Data: data}, client.NewEvent{Type: "t", Data: data}), 5, []int{0, 202}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{outcomes: test.outcomes}
				err := test.do(t.Context(), s.client(t, test.retries))
				if (err == nil) != test.ok || len(s.asked) != test.calls {
					t.Errorf("%d calls and error %v, want %d and success %t", len(s.asked), err, test.calls, test.ok)
				}
			})
		})
	}
}

func TestRetriesWaitAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []int{503, 503, 200}, retryAfter: "7"}
		if _, err := s.client(t, 2).Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := []time.Duration{s.asked[1].Sub(s.asked[0]), s.asked[2].Sub(s.asked[1])}
		if diff := cmp.Diff([]time.Duration{7 * time.Second, 7 * time.Second}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRetriesWaitLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: make([]int, 13)}
		if _, err := s.client(t, 12).Version(t.Context()); err == nil {
			t.Fatal("no error")
		}
		longest := 200 * time.Millisecond
		for i := range 12 {
			got := s.asked[i+1].Sub(s.asked[i])
			if got < longest/2 || got > longest {
				t.Errorf("pause %d is %v, want %v to %v", i, got, longest/2, longest)
			}
			longest = min(2*longest, 30*time.Second)
		}
	})
}

func TestRetriesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		s := &script{outcomes: []int{503, 503, 200}, retryAfter: "2"}
		_, err := s.client(t, 5).Version(ctx)
		if client.StatusOf(err) != 503 || len(s.asked) != 2 {
			t.Errorf("%d calls and error %v, want 2 and the last answer", len(s.asked), err)
		}
	})
}
