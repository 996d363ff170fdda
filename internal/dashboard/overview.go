package dashboard

import (
	"net/url"
	"strconv"
	"strings"
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

// allPage is the state of all tenants together.
type allPage struct {
	Waiting, WaitingText string
	Failing              []failingTenant
	Webhooks             string // number of failing webhooks of all tenants
	More                 bool
	Problems             []tenantProblem
	NoProblems           string // shown if there are no problems
	Queues               []tenantQueue
}

// failingTenant is a tenant with failing webhooks.
type failingTenant struct {
	Path, Tenant string
	Webhooks     int
	Since        time.Time // start of the first failure
}

type tenantProblem struct {
	problem
	Tenant string
}

type tenantQueue struct {
	Path, Tenant string
	Deliveries   string
	Oldest       time.Time
}

// allRows is the number of rows of each kind on the page, and allWebhooks the number of failing
// webhooks that it counts by tenant.
const (
	allRows     = 50
	allWebhooks = 500
)

// overviewOfAll shows those who oversee the server what fails, what waits and why, among all
// tenants. It reads a bounded amount, for any number of tenants.
func (d *Dashboard) overviewOfAll(c *call) error {
	standing, err := d.Store.AttentionReport(c.ctx(), c.now.Add(-24*time.Hour), allWebhooks)
	if err != nil {
		return err
	}
	var p allPage
	p.Waiting, p.WaitingText, err = c.backlogOf("")
	if err != nil {
		return err
	}
	if p.Webhooks = c.texts.number(len(standing.Failing)); len(standing.Failing) >= allWebhooks {
		p.Webhooks += "+"
	}
	p.NoProblems = c.texts.noProblems(nil, len(standing.Failing), 0)
	places := map[string]int{}
	for _, f := range standing.Failing {
		at, known := places[f.Tenant]
		if !known {
			if len(p.Failing) == allRows {
				p.More = true
				continue
			}
			at = len(p.Failing)
			places[f.Tenant] = at
			p.Failing = append(p.Failing, failingTenant{Path: tenantBase(f.Tenant) + "/", Tenant: f.Tenant, Since: f.Since})
		}
		p.Failing[at].Webhooks++
	}
	if p.Problems, err = c.problemsOfAll(standing.Problems); err != nil {
		return err
	}
	for _, w := range standing.Waiting[:min(len(standing.Waiting), allRows)] {
		n := c.texts.number(w.Deliveries)
		if w.Deliveries == peal.MaxAttentionRows {
			n += "+"
		}
		p.Queues = append(p.Queues, tenantQueue{tenantBase(w.Tenant) + "/deliveries?" + url.Values{"status": {string(peal.Pending)}}.Encode(), w.Tenant, n, w.Oldest})
	}
	return c.page("all", c.texts.get("menu.all"), &p)
}

// problemsOfAll returns the latest problems in words, of webhooks that still fail.
func (c *call) problemsOfAll(found []peal.TenantProblem) (all []tenantProblem, err error) {
	webhooks := map[peal.WebhookID]*peal.Webhook{}
	for i := range found[:min(len(found), 2*allRows)] {
		one := &found[i]
		w, known := webhooks[one.WebhookID]
		if !known {
			read, err := c.d.Store.Webhook(c.ctx(), one.Tenant, one.WebhookID)
			if err != nil && peal.CodeOf(err) != peal.NotFound {
				return nil, err
			}
			if err == nil {
				w = &read
			}
			webhooks[one.WebhookID] = w
		}
		if w == nil || w.Health.FailingSince.IsZero() && c.now.Sub(one.Last) > time.Hour {
			continue // it has recovered
		}
		told := c.texts.problem(w, &one.WebhookProblem)
		told.Path = tenantBase(one.Tenant) + told.Path
		if all = append(all, tenantProblem{told, one.Tenant}); len(all) == allRows {
			break
		}
	}
	return all, nil
}

// problem is the reason why deliveries of a webhook fail, in a sentence, with a remedy.
type problem struct {
	Path, Title string
	Attempts    int
	First       time.Time
	Said        string // the message of the endpoint or the network
	Remedy      string
	Filter      bool // Attempts are events on which the webhook's filter failed
}

// maxProblems is the number of problems on a page.
const maxProblems = 20

// problemsSince returns the current problems: those seen since a time after which the webhook has
// not succeeded, or still fails. more reports whether there are more.
func (c *call) problemsSince(webhooks map[peal.WebhookID]*peal.Webhook, one peal.WebhookID, since time.Time) (problems []problem, more bool, err error) {
	found, err := c.d.Store.Problems(c.ctx(), peal.ProblemQuery{
		Tenant: c.tenant, WebhookID: one, Since: since, Limit: maxProblems + 1,
	})
	if err != nil {
		return nil, false, err
	}
	if more = len(found) > maxProblems; more {
		found = found[:maxProblems]
	}
	for i := range found {
		w, err := c.rowWebhook(webhooks, found[i].WebhookID)
		if err != nil {
			return nil, false, err
		}
		if w == nil || w.Health.FailingSince.IsZero() && c.now.Sub(found[i].Last) > time.Hour {
			continue // it has recovered
		}
		problems = append(problems, c.texts.problem(w, &found[i]))
	}
	return problems, more, nil
}

// problem returns a problem in words.
func (t *texts) problem(w *peal.Webhook, p *peal.WebhookProblem) problem {
	key := problemKey(p)
	title := t.get("problem.title", "name", w.Title(), "what", t.get("problem."+key+".title", "code", strconv.Itoa(p.StatusCode)))
	remedy := t.get("remedy." + string(p.Reason))
	if t.has("problem." + key + ".remedy") {
		remedy = t.get("problem." + key + ".remedy")
	}
	return problem{Path: "/webhooks/" + w.ID.String(), Title: title, Attempts: p.Attempts, First: p.First, Said: p.Error, Remedy: remedy,
		Filter: p.Reason == peal.ReasonFilter}
}

// problemKey returns the key of the texts for a problem with a specific remedy.
func problemKey(p *peal.WebhookProblem) string {
	switch {
	case p.Reason == peal.ReasonTLS && strings.Contains(p.Error, "expired"):
		return "expired"
	case p.Reason != peal.ReasonStatus:
		return string(p.Reason)
	case p.StatusCode == 401, p.StatusCode == 403:
		return "unauthorized"
	case p.StatusCode == 404, p.StatusCode == 410:
		return "gone"
	case p.StatusCode == 413:
		return "large"
	case p.StatusCode == 429:
		return "busy"
	case p.StatusCode >= 500:
		return "broken"
	}
	return "status"
}
