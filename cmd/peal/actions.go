package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/terminal"
)

// action carries out a call of a command.
type action func(c *call) error

// actions are the actions of the commands, by their path below peal.
var actions = map[string]action{
	"serve":          serve,
	"demo":           runDemo,
	"bench":          runBench,
	"config print":   printConfig,
	"backup":         backup,
	"restore":        restore,
	"migrate up":     migrateUp,
	"migrate status": migrateStatus,
	"copy":           copyDatabase,

	"publish":       publish,
	"verify":        verify,
	"events list":   list("events", eventHeads, (*client.Client).Events, eventRow),
	"events show":   one("show event %s", (*client.Client).Event, printEvent),
	"events missed": one("show who did not get event %s", (*client.Client).EventMissed, printMissed),

	"deliveries list":     list("deliveries", deliveryHeads, (*client.Client).Deliveries, deliveryRow),
	"deliveries show":     showDelivery,
	"deliveries attempts": showAttempts,
	"deliveries retry":    one("retry delivery %s", (*client.Client).RetryDelivery, printStatus(" and due now")),
	"deliveries cancel":   one("cancel delivery %s", (*client.Client).CancelDelivery, printStatus("")),

	"replays list":   listOf("the replays of webhook %s", "replays", replayHeads, (*client.Client).WebhookReplays, replayRow),
	"replays show":   one("show replay %s", (*client.Client).Replay, printReplay),
	"replays cancel": one("cancel replay %s", (*client.Client).CancelReplay, printReplayCanceled),

	"webhooks list":          list("webhooks", webhookHeads, (*client.Client).Webhooks, webhookRow),
	"webhooks show":          one("show webhook %s", (*client.Client).Webhook, printWebhook),
	"webhooks create":        create("create the webhook", "url", (*client.Client).CreateWebhook, printNewWebhook),
	"webhooks update":        change("update webhook %s", (*client.Client).UpdateWebhook, printWebhook),
	"webhooks delete":        remove("delete", "deleted", "webhook", askWebhook, (*client.Client).DeleteWebhook),
	"webhooks test":          testWebhook,
	"webhooks preview":       previewWebhook,
	"webhooks replay":        replayWebhook,
	"webhooks lane":          one("show the lane of webhook %s", (*client.Client).WebhookLane, printLane),
	"webhooks secret":        showSecret,
	"webhooks rotate-secret": change("rotate the secret of webhook %s", (*client.Client).RotateWebhookSecret, printRotation("signs")),

	"event-types list":       list("event types", eventTypeHeads, (*client.Client).EventTypes, eventTypeRow),
	"event-types show":       showEventType,
	"event-types put":        putEventType,
	"event-types delete":     deleteEventType,
	"event-types catalogues": list("catalogues", "NAME", (*client.Client).Catalogues, catalogueRow),
	"presets list":           listPresets,
	"presets show":           showPreset,
	"presets apply":          applyPreset,

	"sources list":          list("sources", sourceHeads, (*client.Client).Sources, sourceRow),
	"sources show":          one("show source %s", (*client.Client).Source, printSource),
	"sources create":        create("create source %s", "name", (*client.Client).CreateSource, printSource),
	"sources update":        change("update source %s", (*client.Client).UpdateSource, printSource),
	"sources delete":        remove("delete", "deleted", "source", askSource, (*client.Client).DeleteSource),
	"sources rotate-secret": change("rotate the secret of source %s", (*client.Client).RotateSourceSecret, printRotation("is taken")),

	"tenants list":   list("tenants", tenantHeads, (*client.Client).Tenants, tenantRow),
	"tenants show":   one("show tenant %s", (*client.Client).Tenant, printTenant),
	"tenants create": create("create tenant %s", "name", (*client.Client).CreateTenant, printTenant),
	"tenants quotas": tenantQuotas,
	"tenants delete": deleteTenant,
	"quotas":         single("show the quotas", (*client.Client).Quotas, printQuotas),

	"keys list":              list("keys", keyHeads, (*client.Client).Keys, keyRow),
	"keys create":            create("create key %s", "name", (*client.Client).CreateKey, printNewKey),
	"keys revoke":            remove("revoke", "revoked", "key", nil, (*client.Client).RevokeKey),
	"keys rotate-encryption": rotateEncryption,

	"users list":     list("users", userHeads, (*client.Client).Users, userRow),
	"users create":   create("create user %s", "name", (*client.Client).CreateUser, printUser),
	"users update":   change("update user %s", (*client.Client).UpdateUser, printUser),
	"users delete":   remove("delete", "deleted", "user", nil, (*client.Client).DeleteUser),
	"users sessions": list("sessions", sessionHeads, (*client.Client).Sessions, sessionRow),
	"users sign-out": signOut,
	"portal create":  create("create a portal link for %s", "name", (*client.Client).CreatePortalLink, printNewLink),
	"portal list":    list("portal links", linkHeads, (*client.Client).PortalLinks, linkRow),
	"portal revoke":  remove("revoke", "revoked", "portal link", nil, (*client.Client).RevokePortalLink),
	"audit list":     list("entries of the audit log", auditHeads, (*client.Client).AuditLog, auditRow),
	"audit export":   exportAudit,

	"nodes":     single("list the nodes", (*client.Client).Nodes, printNodes),
	"ip-ranges": single("ask the server for its ranges", (*client.Client).IPRanges, printRanges),
	"version":   showVersion,
}

// printer writes an answer of the server for people.
type printer[T any] func(c *call, w io.Writer, answer T)

// list is a command that prints a page of things. heads are the columns, with commas between them.
func list[Q, T any](things, heads string, fetch func(*client.Client, context.Context, Q) (client.Page[T], error), row func(*call, T) []string) action {
	of := func(api *client.Client, ctx context.Context, _ string, query Q) (client.Page[T], error) {
		return fetch(api, ctx, query)
	}
	return listOf("the "+things, things, heads, of, row)
}

// listOf is a command that prints a page of things that belong to its argument.
func listOf[Q, T any](what, things, heads string, fetch func(*client.Client, context.Context, string, Q) (client.Page[T], error), row func(*call, T) []string) action {
	return func(c *call) error {
		var query Q
		if err := c.fill(&query); err != nil {
			return err
		}
		page, err := ask(c, "list "+what, func(api *client.Client, ctx context.Context) (client.Page[T], error) {
			return fetch(api, ctx, strings.Join(c.args, ""), query)
		})
		if err != nil {
			return err
		}
		var rows [][]string
		for _, thing := range page.Data {
			rows = append(rows, row(c, thing))
		}
		return c.listing(things, page.NextCursor, heads, rows)
	}
}

// one is a command about the thing that its argument names.
func one[T any](does string, fetch func(*client.Client, context.Context, string) (T, error), print printer[T]) action {
	return func(c *call) error {
		fetch := func(api *client.Client, ctx context.Context) (T, error) { return fetch(api, ctx, c.args[0]) }
		return single(does, fetch, print)(c)
	}
}

// single is a command about something that exists once.
func single[T any](does string, fetch func(*client.Client, context.Context) (T, error), print printer[T]) action {
	return func(c *call) error {
		answer, err := ask(c, does, fetch)
		if err != nil {
			return err
		}
		return c.show(func(w io.Writer) { print(c, w, answer) })
	}
}

// create is a command that creates a thing; the member of the request is its argument.
func create[B, T any](does, member string, send func(*client.Client, context.Context, B) (T, error), print printer[T]) action {
	return func(c *call) error {
		var body B
		if err := c.fill(&body, member); err != nil {
			return err
		}
		fetch := func(api *client.Client, ctx context.Context) (T, error) { return send(api, ctx, body) }
		return single(does, fetch, print)(c)
	}
}

// change is a command that changes the thing that its argument names.
func change[B, T any](does string, send func(*client.Client, context.Context, string, B) (T, error), print printer[T]) action {
	return func(c *call) error {
		var body B
		if err := c.fill(&body); err != nil {
			return err
		}
		if reflect.ValueOf(body).IsZero() {
			return usagef(c.cmd, "name a setting to change")
		}
		fetch := func(api *client.Client, ctx context.Context, id string) (T, error) { return send(api, ctx, id, body) }
		return one(does, fetch, print)(c)
	}
}

// question returns what a person must confirm before a thing is removed.
type question func(c *call, api *client.Client) (string, error)

// remove is a command that deletes or revokes the thing that its argument names. A question is asked
// at a terminal, unless --yes is given.
func remove(verb, done, thing string, confirm question, end func(*client.Client, context.Context, string) error) action {
	return func(c *call) error {
		does := verb + " " + thing + " %s"
		api, err := c.connect()
		if err != nil {
			return err
		}
		if confirm != nil && !c.on("yes") && isTerminal(c.Stdin) {
			text, err := confirm(c, api)
			if err != nil {
				return c.failed(does, err)
			}
			if err := c.confirm(text); err != nil {
				return err
			}
		}
		if err := end(api, c.ctx, c.args[0]); err != nil {
			return c.failed(does, err)
		}
		return c.show(func(w io.Writer) {
			fmt.Fprintf(w, "%s %s is %s\n", thing, terminal.Safe(c.args[0]), done)
		})
	}
}
