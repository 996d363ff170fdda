package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/terminal"
)

const webhookHeads = "ID, NAME, STATUS, FORMAT, EVENTS, CREATED, URL"

func webhookRow(c *call, w client.Webhook) []string {
	const most = 3
	events := w.Events
	if n := len(events) - most; n > 0 {
		events = append(slices.Clone(events[:most]), fmt.Sprintf("+%d", n))
	}
	status := w.Status + when(w.Managed, " (managed)") // nobody can change it through the API
	return []string{w.ID, w.Name, status, w.Format, strings.Join(events, ","), c.ago(w.CreatedAt), peal.RedactURL(w.URL)}
}

func printWebhook(c *call, w io.Writer, webhook client.Webhook) {
	printNewWebhook(c, w, client.CreatedWebhook{Webhook: webhook})
}

// printNewWebhook writes all settings of a webhook, and its secret where the answer has it.
func printNewWebhook(_ *call, w io.Writer, created client.CreatedWebhook) {
	webhook := created.Webhook
	fields(w, []field{
		{"id", webhook.ID}, {"name", webhook.Name}, {"tenant", webhook.Tenant}, {"url", webhook.URL},
		{"events", strings.Join(webhook.Events, ", ")}, {"status", webhook.Status},
		{"status reason", webhook.StatusReason}, {"description", webhook.Description},
		{"format", webhook.Format}, {"uuid", webhook.UUID}, {"authorization", webhook.Authorization},
		{"headers", headerLines(webhook.Headers)},
		{"client certificate", textOf(webhook.ClientCertificate, certificateText)},
		{"pins", strings.Join(webhook.Pins, "\n")}, {"oauth2", textOf(webhook.OAuth2, oauth2Text)},
		{"extra payload", pretty(webhook.ExtraPayload)}, {"filter", webhook.Filter},
		{"transform", webhook.Transform},
		{"timeout", (time.Duration(webhook.TimeoutMS) * time.Millisecond).String()},
		{"rate limit", textOf(webhook.RateLimit, rateText)},
		{"handshake", when(webhook.Handshake, "the URL has consented")},
		{"retries", policyText(webhook.RetryPolicy)}, {"failing since", exact(webhook.Health.FailingSince)},
		{"failed in a row", positive(webhook.Health.ExhaustedInRow)},
		{"managed", when(webhook.Managed, "by the server's configuration file")},
		{"created", exact(webhook.CreatedAt)}, {"updated", exact(webhook.UpdatedAt)},
		{"warnings", strings.Join(webhook.Warnings, "\n")}, {"secret", created.Secret},
	})
}

func headerLines(headers map[string]string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, name+": "+headers[name])
	}
	return strings.Join(lines, "\n")
}

func certificateText(c client.ClientCertificate) string { return "until " + exact(c.ExpiresAt) }

func oauth2Text(o client.OAuth2) string {
	return strings.TrimSpace(o.ClientID + " at " + o.TokenURL + " " + strings.Join(o.Scopes, " "))
}

func rateText(limit client.RateLimit) string {
	return fmt.Sprintf("%g requests a second, %d at once", limit.PerSecond, limit.Burst)
}

func policyText(policy client.RetryPolicy) string {
	var delays []string
	for _, seconds := range policy.DelaysSeconds {
		delays = append(delays, spanText(seconds))
	}
	text := "none"
	if len(delays) > 0 {
		text = fmt.Sprintf("after %s (±%g%%)", strings.Join(delays, ", "), policy.Jitter*100)
	}
	if n := policy.DisableAfterExhausted; n > 0 {
		text += fmt.Sprintf("\ndisabled after %s that failed for good in a row", count(n, "delivery"))
	}
	if policy.DisableAfterSeconds > 0 {
		text += "\ndisabled after " + spanText(policy.DisableAfterSeconds) + " without a success"
	}
	return text
}

func askWebhook(c *call, api *client.Client) (string, error) {
	w, err := api.Webhook(c.ctx, c.args[0])
	name := ""
	if w.Name != "" {
		name = terminal.Safe(strconv.Quote(w.Name)) + " "
	}
	return "Delete the webhook " + name + "to " + w.URL + " and cancel its pending deliveries?", err
}

func printLane(_ *call, w io.Writer, lane client.Lane) {
	fields(w, []field{
		{"breaker", lane.Breaker}, {"next probe", exact(lane.NextProbe)},
		{"rests until", exact(lane.RestsUntil)},
		{"queued", strconv.Itoa(lane.Queued) + when(lane.Spilled, " in memory, more in the store")},
		{"in flight", fmt.Sprintf("%d of %d", lane.InFlight, lane.Limit)},
	})
}

func showSecret(c *call) error {
	return one("show the secret of webhook %s", (*client.Client).WebhookSecret, func(c *call, w io.Writer, answer client.Secret) {
		if answer.Secret == "" {
			fmt.Fprintln(c.Stderr, "the webhook has no secret")
			return
		}
		fmt.Fprintln(w, terminal.Safe(answer.Secret))
	})(c)
}

// printRotation returns a printer for new secrets; does is the remaining use of the old one.
func printRotation(does string) printer[client.Rotation] {
	return func(_ *call, w io.Writer, r client.Rotation) {
		fields(w, []field{{"secret", r.Secret}, {"the old one " + does + " until", exact(r.PreviousExpiresAt)}})
	}
}

func testWebhook(c *call) error {
	var sample client.TestRequest
	if err := c.fill(&sample); err != nil {
		return err
	}
	result, err := ask(c, "test webhook %s", func(api *client.Client, ctx context.Context) (client.TestResult, error) {
		return api.TestWebhook(ctx, c.args[0], sample)
	})
	if err != nil {
		return err
	}
	err = c.show(func(w io.Writer) {
		fmt.Fprintf(w, "delivery %s  %s\n", terminal.Safe(result.DeliveryID), verdict(result.Attempt))
		printAttempt(w, result.Attempt)
	})
	if err == nil && !result.Success {
		return fmt.Errorf("the endpoint did not take the test: %s", responseOf(result.Attempt))
	}
	return err
}

func previewWebhook(c *call) error {
	choice, err := c.previewChoice()
	if err != nil {
		return err
	}
	var settings client.WebhookRequest
	if err := c.fill(&settings); err != nil {
		return err
	}
	if !reflect.ValueOf(settings).IsZero() {
		choice.Settings = &settings
	}
	previews, err := ask(c, "preview webhook %s", func(api *client.Client, ctx context.Context) ([]client.Preview, error) {
		return api.PreviewWebhook(ctx, c.args[0], choice)
	})
	if err != nil {
		return err
	}
	if len(previews) == 0 && !c.json {
		fmt.Fprintln(c.Stderr, "no events")
	}
	return c.show(func(w io.Writer) {
		for i, p := range previews {
			if i > 0 {
				fmt.Fprintln(w)
			}
			printPreview(w, p)
		}
	})
}

// previewChoice returns the events that the flags ask for.
func (c *call) previewChoice() (choice client.PreviewChoice, err error) {
	choice = client.PreviewChoice{Type: c.text("type"), Last: flag[int](c, "last")}
	switch {
	case c.given("last") && (c.given("type") || c.given("data")):
		return choice, usagef(c.cmd, "--last takes the newest events; leave out --type and --data")
	case !c.given("data"):
		return choice, nil
	}
	var data json.RawMessage
	if data, err = c.jsonFlag("data"); err != nil {
		return choice, err
	}
	choice.Event = &client.NewEvent{Type: choice.Type, ID: c.text("id"), Subject: c.text("subject"), Time: c.text("time"), Data: data}
	choice.Type = ""
	return choice, nil
}

func printPreview(w io.Writer, p client.Preview) {
	matches := "yes"
	switch {
	case !p.Pattern:
		matches = "no: it does not ask for this type"
	case p.FilterError != "":
		matches = "no: its filter " + p.FilterError
	case !p.Matches:
		matches = "no: its filter is not true for it"
	}
	list := []field{
		{"event", p.Event.ID}, {"type", p.Event.Type}, {"subject", p.Event.Subject}, {"matches", matches},
		{"no request", p.Error},
	}
	if r := p.Request; r != nil {
		list = append(list, field{"request", "POST " + r.URL + "\n" + headers(r.Headers) + "\n" + bodyText(r.Bytes())})
	}
	fields(w, list)
}
