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
// When Publish gives no error, the event and all its deliveries are durable.
// Published.Webhooks names the webhooks that it goes to, so an event that nobody
// asked for shows at once.
//
// # Errors
//
// What the server refuses comes back as an [*Error], with the HTTP status and the
// places in the input that are wrong. Every other error means that no answer
// came: then the call may or may not have had its effect. Publishing an event
// that has an ID is safe to repeat; so is every call that only reads.
// [Options.Retries] does it for you.
//
// # Lists
//
// Lists come in pages, newest first. A method such as [Client.Events] gets one
// [Page]; one such as [Client.AllEvents] walks over all of them:
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
