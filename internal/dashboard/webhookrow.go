package dashboard

import (
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// webhookRow is a webhook in a list.
type webhookRow struct {
	ID peal.WebhookID
	// URL is the host and the path; Title is the name, or else the same.
	Title, URL, Description string
	Patterns                string
	Pill                    pill
	Spark                   spark
	Success                 string
	Last                    time.Time
	LastAgo                 string
	failing                 bool
}

// maxPatterns is the number of characters of a webhook's patterns that a row shows.
const maxPatterns = 48

// rows returns webhooks with their counts of the last day. It reads only the counts of these
// webhooks, for any number of webhooks of the tenant.
func (c *call) rows(webhooks []peal.Webhook) ([]webhookRow, error) {
	day := spanOf("24h")
	ids := make([]peal.WebhookID, len(webhooks))
	for i := range webhooks {
		ids[i] = webhooks[i].ID
	}
	activity, err := c.d.Store.Activity(c.ctx(), c.tenant, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]webhookRow, len(webhooks))
	for i := range webhooks {
		w := &webhooks[i]
		buckets, err := c.d.Store.Stats(c.ctx(), peal.StatsQuery{Tenant: c.tenant, WebhookID: w.ID, Width: day.Width, Since: day.since(c.now), Until: c.now.Add(time.Hour)})
		if err != nil {
			return nil, err
		}
		s := newSeries(day, c.now)
		for j := range buckets {
			s.add(&buckets[j])
		}
		failing := w.Status == peal.Active && !w.Health.FailingSince.IsZero()
		last := activity[i].Last()
		rows[i] = webhookRow{
			ID: w.ID, Title: called(*w), URL: target(w.URL), Description: w.Description, Patterns: shortPatterns(w.Events), Pill: c.texts.webhookPill(w, activity[i].Pending),
			Spark: sparkOf(s, failing), Success: c.texts.success(&s.total), Last: last, LastAgo: c.texts.ago(last, c.now), failing: failing,
		}
	}
	return rows, nil
}

func shortPatterns(patterns []string) string {
	text := strings.Join(patterns, ", ")
	if len(text) > maxPatterns {
		text = text[:maxPatterns-1] + "…"
	}
	return text
}

// failingFirst sorts rows so that those that need attention come first.
func failingFirst(rows []webhookRow) {
	slices.SortStableFunc(rows, func(a, b webhookRow) int {
		switch {
		case a.failing == b.failing:
			return 0
		case a.failing:
			return -1
		}
		return 1
	})
}
