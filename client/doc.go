// Package client calls the REST API of a Peal server from Go.
//
//	peal, err := client.New("http://127.0.0.1:8420", os.Getenv("PEAL_KEY"), client.DefaultOptions())
//	if err != nil { … }
//	published, err := peal.Publish(ctx, client.NewEvent{
//		ID:   "task-7-created",
//		Type: "task.created",
//		Data: json.RawMessage(`{"id": 7}`),
//	})
//
// When Publish returns no error, the event and all its deliveries are durable. Published.Webhooks
// lists the webhooks that get it; it is empty for an event without subscribers.
//
// # Errors
//
// A refusal by the server is returned as an [*Error], with the HTTP status and the faults of the
// input. Any other error means that no answer arrived: the call may or may not have taken effect.
// It is safe to repeat calls that only read, and to publish an event with an ID again.
// [Options.Retries] does that automatically.
//
// # Lists
//
// Lists come in pages, newest first. A method such as [Client.Events] returns one [Page]; one such
// as [Client.AllEvents] iterates over all of them:
//
//	for event, err := range peal.AllEvents(ctx, client.EventsQuery{Type: "task.created"}) {
//		if err != nil { … }
//	}
//
// # Tenants
//
// A tenant's key acts for that tenant. An operator's key acts for the tenant
// "default", or for the one that [Options.Tenant] or [Client.ForTenant] names.
package client
