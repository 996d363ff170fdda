package dashboard

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/docs/verify"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/wire"
)

type webhookPage struct {
	Webhook    *peal.Webhook
	URL        string // without parts that the reader may not see
	Pill       pill
	Ranges     []rangeChoice
	Chart      chart
	Delivered  int
	Success    string
	Median     string
	Pending    string
	Oldest     string
	Problems   []problem
	Lane       dispatch.Lane
	Health     string // outcome of the last attempts
	Sending    string // whether deliveries are sent now
	Policy     string
	Secrets    int
	Format     string
	Deliveries []deliveryRow
	Replays    []peal.Replay
	Warnings   []string
	Live       string // the address of the stream of its parts
	// IPRanges are the networks that send requests, for the endpoint's firewall.
	IPRanges []string
}

// webhook shows whether a webhook works, and if not, why.
func (d *Dashboard) webhook(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	data, err := c.webhookPage(&w)
	if err != nil {
		return err
	}
	data.Warnings = c.warnings(&w)
	return c.page("webhook", w.Title(), data)
}

// webhookPage reads the data of a webhook's page except the warnings, which need DNS lookups.
func (c *call) webhookPage(w *peal.Webhook) (*webhookPage, error) {
	d, chosen := c.d, spanOf(c.r.URL.Query().Get("range"))
	data := &webhookPage{Webhook: w, URL: w.URL, Lane: d.Engine.Lane(w.ID), Policy: delaysText(d.Engine.Policy(w).Delays), Secrets: len(w.Secrets), Format: w.Format}
	data.Live = "/webhooks/" + w.ID.String() + "/stream?range=" + chosen.Name
	if format, ok := d.Engine.Format(w.Format); ok {
		data.Format = format.Title
	}
	if !c.who.Can(identity.Reveal) {
		data.URL = peal.RedactURL(w.URL)
	}
	data.IPRanges = d.Facts.Ranges
	for _, s := range spans {
		data.Ranges = append(data.Ranges, rangeChoice{s.Name, c.texts.get("range.short." + s.Name), s.Name == chosen.Name})
	}
	buckets, err := d.Store.Stats(c.ctx(), peal.StatsQuery{Tenant: c.tenant, WebhookID: w.ID, Width: chosen.Width, Since: chosen.since(c.now), Until: c.now.Add(time.Hour)})
	if err != nil {
		return nil, err
	}
	s := newSeries(chosen, c.now)
	for i := range buckets {
		s.add(&buckets[i])
	}
	data.Chart, data.Delivered, data.Success, data.Median = c.texts.draw(s, c.zone), s.total.Delivered, c.texts.success(&s.total), "–"
	if median, ok := s.total.Quantile(0.5); ok {
		data.Median = c.texts.latency(median)
	}
	return data, c.completeWebhook(data)
}

// completeWebhook reads the data that is not counted by time.
func (c *call) completeWebhook(data *webhookPage) error {
	w := data.Webhook
	activity, err := c.d.Store.Activity(c.ctx(), c.tenant, []peal.WebhookID{w.ID})
	if err != nil {
		return err
	}
	data.Pill = c.texts.webhookPill(w, activity[0].Pending)
	facts := &webhookFacts{Webhook: w, Activity: activity[0], Lane: data.Lane, Now: c.now}
	data.Health, data.Sending = c.texts.health(facts), c.texts.sending(facts)
	data.Pending, data.Oldest = c.texts.counted(activity[0].Pending, peal.MaxPendingCount), c.texts.waits(facts)
	webhooks := map[peal.WebhookID]*peal.Webhook{w.ID: w}
	if data.Problems, _, err = c.problemsSince(webhooks, w.ID, c.now.Add(-7*24*time.Hour)); err != nil {
		return err
	}
	if c.who.Sees(peal.PartReplays) {
		latest := peal.ReplayQuery{Tenant: c.tenant, WebhookID: w.ID, Limit: 3}
		if data.Replays, err = c.d.Store.Replays(c.ctx(), latest); err != nil {
			return err
		}
	}
	if !c.who.Sees(peal.PartDeliveries) {
		return nil
	}
	deliveries, err := c.d.Store.Deliveries(c.ctx(), peal.DeliveryQuery{Tenant: c.tenant, WebhookID: w.ID, Limit: 10})
	if err != nil {
		return err
	}
	data.Deliveries, err = c.deliveryRows(deliveries)
	return err
}

// setStatus makes a webhook active, paused or disabled.
func (d *Dashboard) setStatus(c *call) error {
	id, err := c.webhookID()
	if err != nil {
		return err
	}
	status := peal.WebhookStatus(c.r.PostFormValue("status"))
	w, err := d.hooks.Change(c.ctx(), c.actor(""), c.tenant, id, "status "+string(status), func(w *peal.Webhook) error {
		w.Status = status
		return nil
	})
	if err != nil {
		return c.ofWebhook(err)
	}
	return c.redirect("/webhooks/" + w.ID.String() + "?done=" + string(status))
}

type deletePage struct {
	Webhook peal.Webhook
	Name    string // the text to type
	Pending int
	Fault   string
}

// deleteForm shows what is lost with a webhook and asks for its title.
func (d *Dashboard) deleteForm(c *call) error { return c.askDelete(200, "") }

func (c *call) askDelete(status int, fault string) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	activity, err := c.d.Store.Activity(c.ctx(), c.tenant, []peal.WebhookID{w.ID})
	if err != nil {
		return err
	}
	return c.answer(status, "webhook_delete", c.texts.get("delete.title", "name", w.Title()), deletePage{w, w.Title(), activity[0].Pending, fault})
}

// deleteWebhook deletes a webhook after its title was typed.
func (d *Dashboard) deleteWebhook(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if w.Managed {
		return c.ofWebhook(manage.ErrManaged)
	}
	if strings.TrimSpace(c.r.PostFormValue("name")) != w.Title() {
		return c.askDelete(422, c.texts.get("delete.other_name", "name", w.Title()))
	}
	if err := d.hooks.Delete(c.ctx(), c.actor(called(w)), c.tenant, w.ID); err != nil {
		return c.ofWebhook(err)
	}
	return c.redirect("/webhooks?done=deleted")
}

// sample is the verification code of a language, with a call of its function.
type sample struct {
	Language, File string
	call           string // with FUNCTION in place of the function's name
	name           func(format string) string
}

var samples = []sample{
	{"Go", "go/verify.go", "body, err := io.ReadAll(r.Body)\nif err == nil {\n\terr = FUNCTION(r.Header, body, secret)\n}\nif err != nil {\n\thttp.Error(w, err.Error(), http.StatusUnauthorized)\n\treturn\n}", func(f string) string { return "Verify" + camel(f) }},
	{"JavaScript", "javascript/verify.mjs", "import { FUNCTION } from \"./verify.mjs\";\n\n// body: the bytes as they came, before anything parses them\nFUNCTION(request.headers, body, [secret]);", func(f string) string { return "verify" + camel(f) }},
	{"Python", "python/verify.py", "import verify\n\n# body: the bytes as they came, before anything parses them\nverify.FUNCTION(request.headers, body, secret)", func(f string) string { return "verify_" + strings.ReplaceAll(f, "-", "_") }},
	{"Ruby", "ruby/verify.rb", "require_relative \"verify\"\n\n# the file's comment says how the headers are passed\nVerify.FUNCTION(headers, body, secret)", func(f string) string { return strings.ReplaceAll(f, "-", "_") }},
	{"PHP", "php/verify.php", "require 'verify.php';\n\n$body = file_get_contents('php://input');\nFUNCTION(array_change_key_case(getallheaders()), $body, $secret);", func(f string) string { return "verify_" + strings.ReplaceAll(f, "-", "_") }},
	{"Java", "java/Verify.java", "byte[] body = request.getInputStream().readAllBytes();\nVerify.FUNCTION(request::getHeader, body, secret);", func(f string) string { return lowerFirst(camel(f)) }},
	{"C#", "csharp/Verify.cs", "Verify.FUNCTION(name => request.Headers[name].FirstOrDefault(), body, secret);", camel},
	{"Shell", "shell/verify.sh", "WEBHOOK_SECRET=$secret ./verify.sh FUNCTION headers.txt body.json", func(f string) string { return f }},
}

// camel returns the name of a format as in the samples.
func camel(format string) string {
	return map[string]string{"standard": "Standard", "x-webhook": "XWebhook", "vikunja": "Vikunja", "github": "GitHub", "stripe": "Stripe"}[format]
}

func lowerFirst(text string) string {
	if text == "GitHub" {
		return "github"
	}
	return strings.ToLower(text[:1]) + text[1:]
}

type codePage struct {
	Webhook   peal.Webhook
	Languages []rangeChoice
	Header    string // of the signature
	Headers   []string
	Call      string
	File      string
	Source    string
	Signs     bool
	Sampled   bool // whether the samples support the format
}

// codePage shows code that verifies this webhook, in a language.
func (d *Dashboard) codePage(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	data := codePage{Webhook: w, Sampled: camel(w.Format) != ""}
	if format, ok := d.Engine.Format(w.Format); ok {
		data.Signs = format.Secrets != wire.SecretNone
		data.Header, data.Headers = format.SignatureHeader, format.Headers
	}
	chosen := max(0, slices.IndexFunc(samples, func(s sample) bool { return s.Language == c.r.URL.Query().Get("language") }))
	for i, s := range samples {
		data.Languages = append(data.Languages, rangeChoice{s.Language, s.Language, i == chosen})
	}
	if data.Sampled {
		s := samples[chosen]
		source, err := verify.Files.ReadFile(s.File)
		if err != nil {
			return err
		}
		data.Source, data.File = string(source), path.Base(s.File)
		data.Call = strings.ReplaceAll(s.call, "FUNCTION", s.name(w.Format))
	}
	return c.page("webhook_code", c.texts.get("code.title", "name", w.Title()), data)
}
