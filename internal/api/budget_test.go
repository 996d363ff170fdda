package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/intake"
)

// TestBodiesAreBounded fills the budget with a request that does not end: other requests are
// refused with Retry-After, and accepted as soon as there is room.
func TestBodiesAreBounded(t *testing.T) {
	const most = 20_000
	b := newBench(t)
	handler, err := api.New(api.Options{
		Store: b.store, Engine: b.engine, Intake: intake.New(b.store, b.engine, nil), Identity: b.identity, OperatorKey: operatorKey, MaxData: 64 << 10, Bodies: bodies.New(most),
	})
	if err != nil {
		t.Fatal(err)
	}
	other := b.newKey("acme", peal.ScopePublish)
	begun, done := make(chan struct{}, 100), make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = firstRead{r.Body, begun}
		handler.ServeHTTP(w, r)
		done <- struct{}{}
	}))
	defer server.Close()
	send := func(key string, size int, body io.Reader) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/events", body)
		if err != nil {
			return nil, err
		}
		request.ContentLength = int64(size)
		request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + key}}
		response, err := server.Client().Do(request)
		if err == nil {
			response.Body.Close()
		}
		return response, err
	}
	whole := func(key string, size int) (status int, retryAfter string) {
		t.Helper()
		response, err := send(key, size, strings.NewReader(eventOf(size)))
		if err != nil {
			t.Fatal(err)
		}
		<-done // now its part is free again
		return response.StatusCode, response.Header.Get("Retry-After")
	}

	const held = 12_000
	rest, begin := io.Pipe() // a request that is not read to its end holds its part
	ended := make(chan int, 1)
	go func() {
		response, err := send(operatorKey, held, rest)
		if err != nil {
			t.Error(err)
			ended <- 0
			return
		}
		ended <- response.StatusCode
	}()
	text := eventOf(held)
	io.WriteString(begin, text[:held/2]) // returns when the transport has taken it
	<-begun
	const share = (most - held) / 4 * 3 / 4 // of one key, of what the other leaves
	if status, _ := whole(other, share); status != http.StatusAccepted {
		t.Errorf("a body that just fits: %d, want 202", status)
	}
	if status, retryAfter := whole(other, share+1); status != http.StatusTooManyRequests || retryAfter != "1" {
		t.Errorf("a byte more: %d with Retry-After %q, want 429 with 1", status, retryAfter)
	}
	if status, retryAfter := whole(operatorKey, most-held+1); status != http.StatusServiceUnavailable || retryAfter != "1" {
		t.Errorf("a byte more than there is: %d with Retry-After %q, want 503 with 1", status, retryAfter)
	}
	io.WriteString(begin, text[held/2:])
	begin.Close()
	if status := <-ended; status != http.StatusAccepted {
		t.Errorf("the one that was under way: %d, want 202", status)
	}
	<-done
	if status, _ := whole(other, share+1); status != http.StatusAccepted {
		t.Errorf("with room again: %d, want 202", status)
	}
	if status, _ := whole(other, most+1); status != http.StatusAccepted {
		t.Errorf("alone, however large: %d, want 202", status)
	}
}

// firstRead is a body that signals its first read.
type firstRead struct {
	io.ReadCloser
	begun chan<- struct{}
}

func (b firstRead) Read(p []byte) (int, error) {
	select {
	case b.begun <- struct{}{}:
	default:
	}
	return b.ReadCloser.Read(p)
}

// eventOf returns an event with JSON of size bytes.
func eventOf(size int) string {
	text := fmt.Sprintf(`{"type": "big", "data": "%s"}`, strings.Repeat("x", size))
	return fmt.Sprintf(`{"type": "big", "data": "%s"}`, strings.Repeat("x", size-(len(text)-size)))
}
