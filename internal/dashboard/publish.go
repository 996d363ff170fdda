package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pealhq/peal"
)

type publishPage struct {
	Type, ID, Subject, Data string
	Types                   []peal.EventType
	Faults                  map[string]string
}

// Fault returns the fault of a field; "" for none.
func (p *publishPage) Fault(name string) string { return p.Faults[name] }

// publishForm shows the form to publish an event by hand.
func (d *Dashboard) publishForm(c *call) error {
	p := &publishPage{Type: c.r.URL.Query().Get("type"), Data: sampleData}
	if t, err := c.eventType(p.Type); err == nil && t.Example != nil {
		p.Data = indented(t.Example)
	}
	return c.showPublish(200, p)
}

func (c *call) showPublish(status int, p *publishPage) (err error) {
	if p.Types, err = c.eventTypes("", maxTypes); err != nil {
		return err
	}
	return c.answer(status, "publish", c.texts.get("publish.title"), p)
}

// publish publishes the event and shows the webhooks that get it.
func (d *Dashboard) publish(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	v := c.r.PostForm
	p := &publishPage{Type: strings.TrimSpace(v.Get("type")), ID: strings.TrimSpace(v.Get("id")), Subject: strings.TrimSpace(v.Get("subject")), Data: v.Get("data"), Faults: map[string]string{}}
	published, err := d.Engine.Publish(c.ctx(), c.tenant, peal.Event{ID: p.ID, Type: p.Type, Subject: p.Subject, Data: []byte(p.Data)})
	if err == nil {
		done := "published"
		if published[0].Duplicate {
			done = "duplicate"
		}
		if err := c.record("event.publish", published[0].Event.ID, p.Type); err != nil {
			return err
		}
		return c.redirect(eventPath(published[0].Event.Key) + "?done=" + done)
	}
	field, message, ok := c.texts.formField(err)
	if peal.CodeOf(err) == peal.Conflict {
		field, message, ok = "id", c.texts.messageOf(err), true
	}
	if !ok {
		return err
	}
	p.Faults[field] = message
	return c.showPublish(422, p)
}

// indented returns indented JSON.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}
