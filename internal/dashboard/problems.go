package dashboard

import (
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

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
