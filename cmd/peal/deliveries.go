package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/terminal"
)

const deliveryHeads = "ID, EVENT, STATUS, RESPONSE, TOOK, ATTEMPTS, CREATED, NEXT, WEBHOOK"

func deliveryRow(c *call, d client.Delivery) []string {
	took := ""
	if d.Attempts > 0 {
		took = cmp.Or(textOf(d.ResponseTimeMS, strconv.Itoa), "0") + " ms"
	}
	return []string{
		d.ID, d.Event, d.Status, cmp.Or(textOf(d.ResponseCode, strconv.Itoa), d.Reason), took, strconv.Itoa(d.Attempts),
		c.ago(d.Timestamp), c.ago(d.NextAttemptAt), d.WebhookID,
	}
}

func attemptsOf(c *call) ([]client.Attempt, error) {
	return ask(c, "show the attempts of delivery %s", func(api *client.Client, ctx context.Context) ([]client.Attempt, error) {
		return api.Attempts(ctx, c.args[0])
	})
}

func showDelivery(c *call) error {
	var attempts []client.Attempt
	if !c.json {
		var err error
		if attempts, err = attemptsOf(c); err != nil {
			return err
		}
	}
	return one("show delivery %s", (*client.Client).Delivery, func(_ *call, w io.Writer, d client.DeliveryDetail) {
		printDelivery(w, d)
		printAttempts(w, attempts)
	})(c)
}

func printDelivery(w io.Writer, d client.DeliveryDetail) {
	held := ""
	if d.Hold != nil {
		held = d.Hold.Reason
		if !d.Hold.Until.IsZero() {
			held += ", tried next at " + exact(d.Hold.Until)
		}
	}
	fields(w, []field{
		{"id", d.ID}, {"event", d.Event + " " + d.EventID}, {"webhook", d.WebhookID}, {"status", d.Status},
		{"created", exact(d.Timestamp)}, {"attempts", strconv.Itoa(d.Attempts)},
		{"next attempt", exact(d.NextAttemptAt)}, {"held", held}, {"reason", d.Reason},
		{"what to do", d.Remedy},
	})
}

func showAttempts(c *call) error {
	attempts, err := attemptsOf(c)
	if err != nil {
		return err
	}
	if len(attempts) == 0 && !c.json {
		fmt.Fprintln(c.Stderr, "no attempts yet")
	}
	return c.show(func(w io.Writer) { printAttempts(w, attempts) })
}

func printStatus(more string) printer[client.DeliveryDetail] {
	return func(_ *call, w io.Writer, d client.DeliveryDetail) {
		fmt.Fprintf(w, "delivery %s is %s%s\n", terminal.Safe(d.ID), terminal.Safe(d.Status), more)
	}
}

func printAttempts(w io.Writer, attempts []client.Attempt) {
	for _, a := range attempts {
		fmt.Fprintf(w, "\nattempt %d  %s  %s\n", a.Number, exact(a.StartedAt), verdict(a))
		printAttempt(w, a)
	}
}

func verdict(a client.Attempt) string {
	result := responseOf(a)
	if a.Outcome != "" && a.Outcome != result {
		result = a.Outcome + " " + result
	}
	return terminal.Safe(strings.TrimSpace(result)) + " in " + milliseconds(a.Timing.TotalMS)
}

// responseOf returns the result of an attempt in a word: the status of the answer, or the reason for
// there being none.
func responseOf(a client.Attempt) string {
	status := func(r client.AttemptResponse) string { return strconv.Itoa(r.Status) }
	return cmp.Or(textOf(a.Response, status), a.Reason)
}

// printAttempt writes what was sent in an attempt, what came back, and where the time went.
func printAttempt(w io.Writer, a client.Attempt) {
	target := a.URL
	if a.Address != "" {
		target += " (" + a.Address + ")"
	}
	fields(w, []field{
		{"  error", a.Error}, {"  what to do", a.Remedy}, {"  to", target}, {"  time", timing(a.Timing)},
		{"  sent", headers(a.Request.Headers) + fmt.Sprintf("(body of %d bytes)", a.Request.BodySize)},
		{"  answer", answer(a.Response)},
	})
}

func answer(r *client.AttemptResponse) string {
	if r == nil {
		return ""
	}
	text := fmt.Sprintf("%d\n", r.Status) + headers(r.Headers)
	body := bodyText(r.Bytes())
	if !strings.HasPrefix(body, "(") {
		body = "\n" + strings.TrimRight(body, "\n")
	}
	if r.Truncated {
		body += "\n(longer than what is kept)"
	}
	return text + body
}

// bodyText returns a body, or a remark in brackets in place of what is not text.
func bodyText(body []byte) string {
	switch {
	case len(body) == 0:
		return "(empty body)"
	case !utf8.Valid(body):
		return fmt.Sprintf("(body of %d bytes that are not text)", len(body))
	}
	return string(body)
}

func headers(list []client.Header) string {
	var b strings.Builder
	for _, h := range list {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	return b.String()
}

// timing lists the steps that took place.
func timing(t client.AttemptTiming) string {
	var steps []string
	for _, step := range []struct {
		name string
		ms   float64
	}{{"waited", t.WaitMS}, {"dns", t.DNSMS}, {"connect", t.ConnectMS}, {"tls", t.TLSMS}, {"first byte", t.FirstByteMS}} {
		if step.ms > 0 {
			steps = append(steps, step.name+" "+milliseconds(step.ms))
		}
	}
	if t.Reused {
		steps = append(steps, "connection reused")
	}
	return strings.Join(steps, ", ")
}

func milliseconds(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
