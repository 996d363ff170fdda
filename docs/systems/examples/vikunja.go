//go:build ignore

// Publishes an event of Vikunja to Peal.
//
// In Vikunja, publish is called in WebhookListener.Handle (pkg/models/listeners.go), in place of
// the lookup of the webhooks of the project and its parents and the requests to them. Run it with
//
//	PEAL_URL=http://127.0.0.1:8420 PEAL_KEY=… PEAL_TENANT=vikunja go run vikunja.go
package main

import (
	"bytes"
	"context"
	"crypto/rand"
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
func publish(ctx context.Context, peal *client.Client, messageID, name string, event any, at time.Time) error {
	data, members, err := payload(event)
	if err != nil {
		return err
	}
	published, err := peal.Publish(ctx, client.NewEvent{
		ID:      messageID,
		Type:    name,
		Subject: subject(members),
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

// payload returns an event as Vikunja's own webhooks send it: Vikunja decodes the message's payload
// into a map, so that its members are in alphabetical order. The bytes of the structs themselves
// differ. Numbers keep their digits on the way.
func payload(event any) (data []byte, members map[string]any, err error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		return nil, nil, err
	}
	data, err = json.Marshal(members)
	return data, members, err
}

// subject returns the subject of the event, such as task/17.
func subject(members map[string]any) string {
	for _, kind := range []string{"task", "project", "user"} {
		if thing, ok := members[kind].(map[string]any); ok {
			return fmt.Sprintf("%s/%s", kind, thing["id"])
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
	// Its members are structs there (*models.Task and so on), as task is here.
	type task struct {
		Title     string `json:"title"`
		ID        int64  `json:"id"`
		Done      bool   `json:"done"`
		ProjectID int64  `json:"project_id"`
	}
	event := map[string]any{
		"task":    &task{ID: 1234567, Title: "Ring <every> endpoint", ProjectID: 4},
		"doer":    map[string]any{"id": 1, "username": "anna"},
		"project": map[string]any{"id": 4, "title": "Website & shop"},
	}
	at := time.Date(2026, 3, 2, 10, 14, 5, 871203411, time.FixedZone("", 3600))
	messageID := uuid() // of the message, msg.UUID; here a new one, so that each run is a new event
	err = publish(context.Background(), peal, messageID, "task.created", event, at)
	if err != nil {
		log.Fatal(err)
	}
}

// uuid returns a random UUID.
func uuid() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
