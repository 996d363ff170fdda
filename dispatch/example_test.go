package dispatch_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/wire"
)

// A Go application sends webhooks from its own process: it opens a store, runs the
// engine and publishes. Nothing else is needed beside it.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	dir, err := os.MkdirTemp("", "peal-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "peal.db")})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	options := dispatch.Options{Egress: dispatch.DefaultOptions().Egress.Development()} // the receiver is on this machine
	engine, err := dispatch.New(store, options)
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()

	// The receiver: somebody else's program.
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	arrived := make(chan string)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := wire.Verify(wire.Standard, r.Header, body, secret); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		arrived <- r.Header.Get("webhook-id")
	}))
	defer receiver.Close()

	if _, err := engine.CreateWebhook(ctx, peal.Webhook{
		Tenant: "acme", URL: receiver.URL, Events: []string{"task.*"}, Secrets: []peal.Secret{{Value: secret}},
	}); err != nil {
		log.Fatal(err)
	}

	published, err := engine.Publish(ctx, "acme", peal.Event{
		ID: "task-7-created", Type: "task.created", Data: []byte(`{"id":7,"title":"Ring every endpoint"}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("published to", len(published[0].Webhooks), "webhook")
	fmt.Println("arrived and verified:", <-arrived)

	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// published to 1 webhook
	// arrived and verified: task-7-created
}
