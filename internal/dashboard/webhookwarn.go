package dashboard

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/message"
)

// viewWarnings is the time that a page waits for name servers if it only shows a webhook.
const viewWarnings = 250 * time.Millisecond

// warnings returns sentences about what will prevent a webhook's requests from arriving. Right
// after a change it waits up to two seconds for name servers.
func (c *call) warnings(w *peal.Webhook) []string {
	ctx, timeout := c.ctx(), viewWarnings
	if done := c.r.URL.Query().Get("done"); done == "created" || done == "saved" {
		timeout = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.say(dispatch.WarningsFor(c.who.IsOperator(), c.d.Engine.Warnings(ctx, w)))
}

// say returns texts of the engine in the caller's language.
func (c *call) say(texts []message.Text) []string {
	sentences := make([]string, len(texts))
	for i, text := range texts {
		sentences[i] = c.texts.say(text)
	}
	return sentences
}
