package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/pealhq/peal/client"
)

// Publish an event. The id makes the call safe to repeat, so a lost answer costs
// nothing.
func Example() {
	options := client.DefaultOptions()
	options.Retries = 5
	peal, err := client.New("http://127.0.0.1:8420", os.Getenv("PEAL_KEY"), options)
	if err != nil {
		log.Fatal(err)
	}
	published, err := peal.Publish(context.Background(), client.NewEvent{
		ID:   "task-7-created",
		Type: "task.created",
		Data: json.RawMessage(`{"id": 7, "title": "Ring every endpoint"}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("goes to", len(published.Webhooks), "webhooks")
}

// Create a webhook, and send it a sample at once.
func ExampleClient_CreateWebhook() {
	peal, err := client.New("http://127.0.0.1:8420", os.Getenv("PEAL_KEY"), client.DefaultOptions())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	webhook, err := peal.ForTenant("acme").CreateWebhook(ctx, client.WebhookRequest{
		URL:         new("https://example.com/hook"),
		Events:      []string{"task.*"},
		RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: []float64{60, 300, 1800}},
	})
	var refused *client.Error
	if errors.As(err, &refused) {
		for _, field := range refused.Errors {
			fmt.Println(field.Location, field.Message)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("give the receiver this secret:", webhook.Secret)
	result, err := peal.ForTenant("acme").TestWebhook(ctx, webhook.ID, client.TestRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("it works:", result.Success)
}

// Try everything again that failed within the last day.
func ExampleClient_AllDeliveries() {
	peal, err := client.New("http://127.0.0.1:8420", os.Getenv("PEAL_KEY"), client.DefaultOptions())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	failed := client.DeliveriesQuery{Status: "failed", Since: time.Now().Add(-24 * time.Hour)}
	for delivery, err := range peal.AllDeliveries(ctx, failed) {
		if err != nil {
			log.Fatal(err)
		}
		if _, err := peal.RetryDelivery(ctx, delivery.ID); err != nil {
			log.Fatal(err)
		}
	}
}
