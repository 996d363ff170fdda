//go:build ignore

// Publishes an event of WireGuard Portal to Peal.
//
// In the portal, publish is called in Manager.handleGenericEvent
// (internal/app/webhooks/manager.go), in place of sendWebhook. Run it with
//
//	PEAL_URL=http://127.0.0.1:8420 PEAL_KEY=… PEAL_TENANT=vpn go run wireguard_portal.go
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/pealhq/peal/client"
)

// webhookData is the result of the portal's createWebhookData.
type webhookData struct {
	Event      string
	Entity     string
	Identifier string
	Payload    any
}

// publish hands an event over. It has one id for all its tries, so none of them
// makes a second event.
func publish(ctx context.Context, peal *client.Client, d webhookData) error {
	data, err := json.Marshal(d.Payload)
	if err != nil {
		return err
	}
	event := client.NewEvent{
		ID:      rand.Text(),
		Type:    d.Entity + "." + d.Event,
		Subject: d.Identifier,
		Time:    time.Now().Format(time.RFC3339Nano),
		Data:    data,
	}
	published, err := peal.Publish(ctx, event)
	if err != nil {
		return fmt.Errorf("publish %s of %s: %w", event.Type, event.Subject, err)
	}
	log.Printf("%s goes to %d webhooks", published.ID, len(published.Webhooks))
	return nil
}

func main() {
	options := client.DefaultOptions()
	options.Tenant = os.Getenv("PEAL_TENANT")
	options.Retries = 5
	peal, err := client.New(os.Getenv("PEAL_URL"), os.Getenv("PEAL_KEY"), options)
	if err != nil {
		log.Fatal(err)
	}

	status := struct {
		PeerId                          string
		IsConnected                     bool
		BytesReceived, BytesTransmitted uint64
		Endpoint                        string
	}{"cGVlciBwdWJsaWMga2V5IG9mIGFuIGV4YW1wbGUuLi4=", false, 9007199254740993, 2884, "198.51.100.77:58756"}
	err = publish(context.Background(), peal, webhookData{
		Event: "disconnect", Entity: "peer", Identifier: status.PeerId, Payload: status,
	})
	if err != nil {
		log.Fatal(err)
	}
}
