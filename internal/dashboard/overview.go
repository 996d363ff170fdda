package dashboard

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

type overviewPage struct {
	Live        string // the address of the stream of its parts
	Empty, Echo bool
	Ranges      []rangeChoice
	RangeText   string

	Delivered, Failed, FailedWebhooks int
	PromptText                        string
	Median, Slow                      string
	Waiting, WaitingText              string

	Loss         string // of commits, for those who see the whole server
	Chart        chart
	Problems     []problem // the latest ones
	MoreProblems []problem
	AllProblems  string
	NoProblems   string // shown if there are no problems
	Webhooks     []webhookRow
	AllWebhooks  string
}

type rangeChoice struct {
	Name, Word string
	Current    bool
}

// overviewRows is the number of webhooks on the overview, and overviewProblems the number of
// unfolded problems.
const (
	overviewRows     = 10
	overviewProblems = 2
)

// overview shows whether everything arrives.
func (d *Dashboard) overview(c *call) error {
	data, err := c.overviewPage()
	if err != nil {
		return err
	}
	return c.page("overview", c.texts.get("overview.title"), data)
}

// overviewPage reads the data of the overview.
func (c *call) overviewPage() (*overviewPage, error) {
	d := c.d
	chosen := spanOf(c.r.URL.Query().Get("range"))
	data := &overviewPage{Live: "/overview/stream?range=" + chosen.Name, Echo: d.Echo != nil && c.portal == nil, RangeText: "range." + chosen.Name}
	for _, s := range spans {
		data.Ranges = append(data.Ranges, rangeChoice{s.Name, c.texts.get("range.short." + s.Name), s.Name == chosen.Name})
	}
	if c.who.Can(identity.Oversee) {
		data.Loss = d.Facts.Loss
	}
	webhooks, err := d.Store.Webhooks(c.ctx(), c.tenant, peal.WebhookID{}, pageWebhooks)
	if err != nil {
		return nil, err
	}
	if data.Empty = len(webhooks) == 0; data.Empty {
		return data, nil
	}
	total, err := c.countOverview(data, chosen)
	if err != nil {
		return nil, err
	}
	byID := make(map[peal.WebhookID]*peal.Webhook, len(webhooks))
	failing := 0
	for i := range webhooks {
		w := &webhooks[i]
		byID[w.ID] = w
		if w.Status == peal.Active && !w.Health.FailingSince.IsZero() {
			failing++
		}
	}
	looked := 0
	if len(webhooks) >= pageWebhooks {
		looked = len(webhooks)
	}
	data.NoProblems = c.texts.noProblems(&total, failing, looked)
	more := false
	if data.Problems, more, err = c.problemsSince(byID, peal.WebhookID{}, earlier(chosen.since(c.now), c.now.Add(-24*time.Hour))); err != nil {
		return nil, err
	}
	data.AllProblems = c.texts.number(len(data.Problems))
	if more {
		data.AllProblems += "+"
	}
	shown := min(overviewProblems, len(data.Problems))
	data.Problems, data.MoreProblems = data.Problems[:shown], data.Problems[shown:]
	if data.Webhooks, err = c.rows(troubledFirst(webhooks)); err != nil {
		return nil, err
	}
	data.AllWebhooks = c.upTo(len(webhooks))
	return data, nil
}

// earlier returns the earlier of two times. Problems of the last day are shown with any range.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// troubledFirst returns the webhooks for the overview, failing ones first.
func troubledFirst(webhooks []peal.Webhook) []peal.Webhook {
	var listed, others []peal.Webhook
	for _, w := range webhooks {
		if w.Status == peal.Active && !w.Health.FailingSince.IsZero() {
			listed = append(listed, w)
		} else {
			others = append(others, w)
		}
	}
	listed = append(listed, others...)
	return listed[:min(len(listed), overviewRows)]
}

// countOverview fills in the numbers and the chart.
func (c *call) countOverview(data *overviewPage, chosen span) (total peal.DeliveryCounts, err error) {
	totals, err := c.d.Store.Totals(c.ctx(), peal.StatsQuery{Tenant: c.tenant, Width: chosen.Width, Since: chosen.since(c.now), Until: c.now.Add(time.Hour)})
	if err != nil {
		return total, err
	}
	s := newSeries(chosen, c.now)
	for i := range totals.Buckets {
		s.add(&totals.Buckets[i])
	}
	data.Chart = c.texts.draw(s, c.zone)
	data.Delivered, data.Failed, data.FailedWebhooks = s.total.Delivered, s.total.Failed, totals.Failed
	data.PromptText = c.texts.get("overview.nothing")
	if s.total.Delivered > 0 {
		data.PromptText = c.texts.get("overview.prompt", "part", c.texts.percent(float64(s.total.Prompt)/float64(s.total.Delivered)))
	}
	data.Median, data.Slow = "–", c.texts.get("overview.no_latency")
	if median, ok := s.total.Quantile(0.5); ok {
		slow, _ := s.total.Quantile(0.95)
		data.Median, data.Slow = c.texts.latency(median), c.texts.get("overview.median", "slow", c.texts.latency(slow))
	}
	data.Waiting, data.WaitingText, err = c.backlogOf(c.tenant)
	return s.total, err
}

// backlogOf describes the pending deliveries of a tenant, or of all tenants for "".
func (c *call) backlogOf(tenant string) (waiting, text string, err error) {
	backlog, err := c.d.Store.Backlog(c.ctx(), tenant)
	if err != nil {
		return "", "", err
	}
	return c.texts.counted(backlog.Pending, peal.MaxBacklogCount), c.texts.backlog(&backlog, c.now), nil
}
