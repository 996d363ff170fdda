package dashboard

import "github.com/pealhq/peal"

// pageRows is how many rows a page of a list has.
const pageRows = 50

type webhooksPage struct {
	Rows []webhookRow
	Next string
	// IPRanges are where requests come from, for the endpoints' firewalls.
	IPRanges []string
}

// webhooks lists the tenant's webhooks, newest first, failing ones on top of their page.
func (d *Dashboard) webhooks(c *call) error {
	before, _ := peal.ParseWebhookID(c.r.URL.Query().Get("before")) // nonsense begins with the newest
	webhooks, err := d.Store.Webhooks(c.ctx(), c.tenant, before, pageRows+1)
	if err != nil {
		return err
	}
	data := webhooksPage{IPRanges: d.Facts.Ranges}
	if len(webhooks) > pageRows {
		webhooks = webhooks[:pageRows]
		data.Next = webhooks[pageRows-1].ID.String()
	}
	if data.Rows, err = c.rows(webhooks); err != nil {
		return err
	}
	failingFirst(data.Rows)
	return c.page("webhooks", c.texts.get("menu.webhooks"), data)
}
