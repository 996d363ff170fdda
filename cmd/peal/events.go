package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/terminal"
)

func publish(c *call) error {
	data, err := c.eventData()
	if err != nil {
		return err
	}
	if err := checkJSON(strings.Join(c.args[1:], ""), data); err != nil {
		return &peal.Error{Code: peal.Invalid, Message: "the data " + err.Error()}
	}
	var event client.NewEvent
	if err := c.fill(&event); err != nil {
		return err
	}
	event.Type, event.Data = c.args[0], data
	published, err := ask(c, "publish %s", func(api *client.Client, ctx context.Context) (client.Published, error) {
		return api.Publish(ctx, event)
	})
	if err != nil {
		return err
	}
	var failed []client.FilterError
	if !published.Duplicate && len(published.Webhooks) == 0 && !c.json {
		// No webhook asks for it, or a filter failed. A key that may only publish cannot know.
		stored, _ := ask(c, "show event %s", func(api *client.Client, ctx context.Context) (client.Event, error) {
			return api.Event(ctx, published.ID)
		})
		failed = stored.FilterErrors
	}
	return c.show(func(w io.Writer) { printPublished(w, published, failed) })
}

// eventData returns the data of an event: the argument DATA, or the file of --data-file.
func (c *call) eventData() ([]byte, error) {
	file := c.text("data-file")
	switch {
	case (len(c.args) > 1) == (file != ""):
		return nil, usagef(c.cmd, "give the data once: as JSON, @PATH, - for stdin, or with --data-file")
	case file == "":
		return c.read(c.args[1])
	}
	return c.read(when(file != "-", "@") + file)
}

func printPublished(w io.Writer, p client.Published, failed []client.FilterError) {
	switch {
	case p.Duplicate:
		fmt.Fprintf(w, "event %s was published before; nothing is sent again\n", terminal.Safe(p.ID))
	case len(failed) > 0:
		fmt.Fprintf(w, "event %s is stored and goes nowhere: %s failed on it\n", terminal.Safe(p.ID), count(len(failed), "filter"))
	case len(p.Webhooks) == 0:
		fmt.Fprintf(w, "event %s is stored; no active webhook asks for %s\n", terminal.Safe(p.ID), terminal.Safe(p.Type))
	default:
		fmt.Fprintf(w, "event %s goes to %s\n", terminal.Safe(p.ID), count(len(p.Webhooks), "webhook"))
	}
	for _, f := range failed {
		fmt.Fprintf(w, "  the filter of %s: %s\n", terminal.Safe(f.WebhookID), terminal.Safe(f.Error))
	}
	for _, id := range p.Webhooks {
		fmt.Fprintf(w, "  %s\n", terminal.Safe(id))
	}
}

const eventHeads = "ID, TYPE, SUBJECT, ACCEPTED"

func eventRow(c *call, e client.EventRow) []string {
	return []string{e.ID, e.Type, e.Subject, c.ago(e.AcceptedAt)}
}

func printEvent(c *call, w io.Writer, e client.Event) {
	fields(w, []field{
		{"id", e.ID}, {"type", e.Type}, {"subject", e.Subject}, {"time", e.Time},
		{"accepted", exact(e.AcceptedAt)}, {"data", string(e.Data)},
	})
	fmt.Fprintln(w)
	switch {
	case len(e.Deliveries) > 0:
		var rows [][]string
		for _, d := range e.Deliveries {
			rows = append(rows, deliveryRow(c, d))
		}
		table(w, deliveryHeads, rows)
	case len(e.FilterErrors) > 0:
		fmt.Fprintln(w, "it went nowhere")
	default:
		fmt.Fprintln(w, "no webhook asked for it")
	}
	if len(e.FilterErrors) > 0 {
		fmt.Fprintln(w, "\nfilters that failed, which counts as no match:")
	}
	for _, failure := range e.FilterErrors {
		fmt.Fprintf(w, "  %s  %s\n", terminal.Safe(failure.WebhookID), terminal.Safe(failure.Error))
	}
}

// missedReasons explain why webhooks did not get an event.
var missedReasons = map[client.MissedGroupReason]string{
	client.MissedGroupReasonFilterFailed: "the filter failed on the event",
	client.MissedGroupReasonFilter:       "the filter did not let it through",
	client.MissedGroupReasonDisabled:     "disabled",
	client.MissedGroupReasonChangedLater: "changed since then; the earlier settings are not on record",
	client.MissedGroupReasonUnknown:      "asks for such events, and yet has no delivery",
	client.MissedGroupReasonCreatedLater: "created after the event",
	client.MissedGroupReasonType:         "does not ask for the type",
}

func printMissed(_ *call, w io.Writer, missed client.Missed) {
	var rows [][]string
	for _, group := range missed.Data {
		for _, hook := range group.Webhooks {
			why := cmp.Or(missedReasons[group.Reason], group.Reason)
			if hook.Error != "" {
				why += ": " + hook.Error
			}
			rows = append(rows, []string{hook.ID, hook.Name, why})
		}
		if n := group.Count - len(group.Webhooks); n > 0 {
			rows = append(rows, []string{fmt.Sprintf("and %d more", n), "", cmp.Or(missedReasons[group.Reason], group.Reason)})
		}
	}
	switch {
	case !missed.Complete:
		fmt.Fprintln(w, "the event went to more than 5,000 webhooks; the others are not looked for")
	case len(rows) == 0:
		fmt.Fprintln(w, "every webhook of the tenant got it")
	default:
		table(w, "WEBHOOK, NAME, REASON", rows)
	}
}
