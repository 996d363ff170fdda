package dashboard

import (
	"bytes"
	"crypto/sha256"
	"regexp"

	"github.com/pealhq/peal"
)

// A live page is first rendered as a whole. Its parts are sent again as they change, and
// static/app.js replaces the element with the id of each. Parts have no input fields, so that typed
// text is never replaced.

// The live parts of pages, by the names of their templates. Each is one element with that id.
var (
	overviewParts = []string{"overview_tiles", "overview_chart", "overview_problems", "overview_webhooks"}
	webhookParts  = []string{"webhook_pill", "webhook_notes", "webhook_tiles", "webhook_chart", "webhook_health", "webhook_deliveries", "webhook_settings", "webhook_actions", "webhook_replays"}
)

// liveParts renders the parts of a page and remembers the last version of each that was sent.
type liveParts struct {
	page  string
	names []string
	sent  map[string][sha256.Size]byte
}

func newLiveParts(page string, names []string) *liveParts {
	return &liveParts{page, names, map[string][sha256.Size]byte{}}
}

// timeTexts matches the texts of times. Browsers update them, so they do not count as changes.
var timeTexts = regexp.MustCompile(`(<time [^>]*>)[^<]*</time>`)

// news returns an event for each part that has changed since it was sent last.
func (l *liveParts) news(c *call, data any) ([]byte, error) {
	frame, err := c.frame("", "")
	if err != nil {
		return nil, err
	}
	set, err := c.d.pages.set(c.texts.language, l.page)
	if err != nil {
		return nil, err
	}
	var events, part bytes.Buffer
	for _, name := range l.names {
		part.Reset()
		if err := set.ExecuteTemplate(&part, name, page{frame, data}); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(timeTexts.ReplaceAll(part.Bytes(), []byte("$1</time>")))
		if l.sent[name] == sum {
			continue
		}
		l.sent[name] = sum
		appendEvent(&events, "part", c.placed(part.Bytes()))
	}
	return events.Bytes(), nil
}

// streamWebhook sends the parts of a webhook's page as they change, until the webhook is deleted.
func (d *Dashboard) streamWebhook(c *call) error {
	if _, err := c.findWebhook(); err != nil {
		return err
	}
	live := newLiveParts("webhook", webhookParts)
	return c.stream(func() ([]byte, error) {
		w, err := c.findWebhook()
		if peal.CodeOf(err) == peal.NotFound {
			return c.webhookGone()
		}
		if err != nil {
			return nil, err
		}
		data, err := c.webhookPage(&w)
		if err != nil {
			return nil, err
		}
		return live.news(c, data)
	})
}

// webhookGone returns the last event of a webhook's page.
func (c *call) webhookGone() ([]byte, error) {
	news, err := newLiveParts("webhook", []string{"webhook_gone"}).news(c, nil)
	if err != nil {
		return nil, err
	}
	events := bytes.NewBuffer(news)
	appendEvent(events, "end", nil)
	return events.Bytes(), errLast
}

// streamOverview sends the parts of the overview as they change.
func (d *Dashboard) streamOverview(c *call) error {
	live := newLiveParts("overview", overviewParts)
	return c.stream(func() ([]byte, error) {
		data, err := c.overviewPage()
		if err != nil || data.Empty {
			return nil, err
		}
		return live.news(c, data)
	})
}
