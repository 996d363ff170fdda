//go:build ignore

// Publishes an event of Vikunja to Peal.
//
// In Vikunja, publish stands in WebhookListener.Handle (pkg/models/listeners.go),
// where the webhooks of the project and its parents are looked up and a request is
// made for each of them: one call replaces both. Run it with
//
//	PEAL_URL=http://127.0.0.1:8420 PEAL_KEY=… PEAL_TENANT=vikunja go run vikunja.go
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/pealhq/peal/client"
)

// publish hands an event over. The message's UUID names the event: when Vikunja's
// message router hands the same message over again, Peal knows it.
func publish(ctx context.Context, peal *client.Client, messageID, name string, event map[string]any, at time.Time) error {
	data, err := json.Marshal(event)
	if err != nil {
		return err
	}
	published, err := peal.Publish(ctx, client.NewEvent{
		ID:      messageID,
		Type:    name,
		Subject: subject(event),
		Time:    at.Format(time.RFC3339Nano),
		Data:    data,
	})
	if client.StatusOf(err) == http.StatusConflict {
		return nil // an earlier try was accepted, with another time or newer data
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", name, err) // the router tries again
	}
	log.Printf("%s goes to %d webhooks", published.ID, len(published.Webhooks))
	return nil
}

// subject says what the event is about, such as task/17.
func subject(event map[string]any) string {
	for _, kind := range []string{"task", "project", "user"} {
		if thing, ok := event[kind].(map[string]any); ok {
			return fmt.Sprintf("%s/%v", kind, thing["id"])
		}
	}
	return ""
}

func main() {
	options := client.DefaultOptions()
	options.Tenant = os.Getenv("PEAL_TENANT")
	options.Retries = 5
	peal, err := client.New(os.Getenv("PEAL_URL"), os.Getenv("PEAL_KEY"), options)
	if err != nil {
		log.Fatal(err)
	}

	// What Handle has at that place: the message's payload with everything reloaded.
	event := map[string]any{
		"task":    map[string]any{"id": 17, "title": "Ring <every> endpoint", "project_id": 4, "done": false},
		"doer":    map[string]any{"id": 1, "username": "anna"},
		"project": map[string]any{"id": 4, "title": "Website & shop"},
	}
	at := time.Date(2026, 3, 2, 10, 14, 5, 871203411, time.FixedZone("", 3600))
	err = publish(context.Background(), peal, "0b8f9f3e-5d0c-4a3e-9a2f-6d1f0a7c1e55", "task.created", event, at)
	if err != nil {
		log.Fatal(err)
	}
}
