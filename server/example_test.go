package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

// An application mounts the whole server beside its own routes, in its own
// http.Server, and publishes in-process.
func Example() {
	ctx := context.Background()
	data, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(data)

	options := server.DefaultOptions()
	options.Listen = "" // the application listens
	options.Data = data
	options.OperatorKey = "a-key-that-the-application-keeps-to-itself"
	webhooks, err := server.New(ctx, options)
	if err != nil {
		log.Fatal(err)
	}
	defer webhooks.Stop(ctx)
	if err := webhooks.Start(ctx); err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("webhooks.example.com/", webhooks.Handler())
	mux.HandleFunc("POST /tasks", func(w http.ResponseWriter, r *http.Request) {
		event := peal.Event{Type: "task.created", Data: json.RawMessage(`{"id": 7}`)}
		if _, err := webhooks.Engine().Publish(r.Context(), "acme", event); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	application := httptest.NewServer(mux) // in production: http.Server{Handler: mux}
	defer application.Close()

	response, err := http.Post(application.URL+"/tasks", "application/json", nil)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fmt.Println(response.Status)
	// Output: 201 Created
}
