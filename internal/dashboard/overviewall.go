package dashboard

import (
	"net/url"
	"time"

	"github.com/pealhq/peal"
)

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
