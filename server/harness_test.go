package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

// patience is the longest time that a test waits for a condition.
const patience = 30 * time.Second

const operatorKey = "an-operator-key-of-the-tests-0123456789"

// options are those of a server on a free port of loopback, with new data.
func options(t *testing.T) server.Options {
	t.Helper()
	o := server.DefaultOptions()
	o.Listen = "127.0.0.1:0"
	o.Data = t.TempDir()
	o.Dev = true
	o.OperatorKey = operatorKey
	return o
}

// onEachStore runs a test with the options of a server on SQLite, and on PostgreSQL.
func onEachStore(t *testing.T, test func(*testing.T, server.Options)) {
	t.Run("SQLite", func(t *testing.T) { test(t, options(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		o := options(t)
		o.Database, o.EncryptionKey = sharedPostgres.Database(t), encryptionKey
		test(t, o)
	})
}

// start runs a server until the test ends.
func start(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// connect returns a client that leaves no connection open.
func connect(t *testing.T, base, key string) *client.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	o := client.DefaultOptions()
	o.HTTPClient = &http.Client{Transport: transport}
	c, err := client.New(base, key, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// arrival is a request as an endpoint got it.
type arrival struct {
	header http.Header
	body   []byte
}

// endpoint answers 204 to everything and returns the requests.
func endpoint(t *testing.T) (url string, arrivals <-chan arrival) {
	t.Helper()
	came := make(chan arrival, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		came <- arrival{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/hook", came
}

// next waits for an arrival.
func next(t *testing.T, arrivals <-chan arrival) arrival {
	t.Helper()
	select {
	case a := <-arrivals:
		return a
	case <-time.After(patience):
		t.Fatal("nothing has arrived")
		return arrival{}
	}
}
