package dashboard

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/identity"
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
