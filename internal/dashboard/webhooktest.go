package dashboard

import (
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

type testPage struct {
	Webhook peal.Webhook
	Types   []string
	Type    string
	Data    string
	Fault   string
	Result  *attemptView
	Taken   bool
	Path    string // of the delivery

	Verdict  string // the outcome of the test
	Warnings []string
}

// testForm shows the form to choose a type and edit its example.
func (d *Dashboard) testForm(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	data, err := c.testOf(&w, c.r.URL.Query().Get("type"))
	if err != nil {
		return err
	}
	return c.page("webhook_test", c.texts.get("test.title", "name", w.Title()), data)
}

// testOf fills the form with the types to which the webhook subscribes, and the example of one.
func (c *call) testOf(w *peal.Webhook, chosen string) (testPage, error) {
	data := testPage{Webhook: *w, Type: chosen, Data: sampleData}
	types, err := c.typesToChoose()
	if err != nil {
		return data, err
	}
	for i := range types {
		if slices.ContainsFunc(w.Events, func(p string) bool { return peal.MatchPattern(p, types[i].Name) }) {
			data.Types = append(data.Types, types[i].Name)
			if data.Type == "" {
				data.Type = types[i].Name
			}
			if data.Type == types[i].Name && types[i].Example != nil {
				data.Data = indented(types[i].Example)
			}
		}
	}
	if len(data.Types) == 0 {
		data.Types = []string{sampleType(w.Events)}
	}
	if data.Type == "" {
		data.Type = data.Types[0]
	}
	return data, nil
}

// sendTest sends the test and shows request and response at once.
func (d *Dashboard) sendTest(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	data, err := c.testOf(&w, strings.TrimSpace(c.r.PostFormValue("type")))
	if err != nil {
		return err
	}
	data.Data = c.r.PostFormValue("data")
	delivery, attempt, err := d.hooks.Test(c.ctx(), c.actor(""), c.tenant, w.ID, data.Type, []byte(data.Data))
	if _, message, ok := c.texts.formField(err); ok {
		data.Fault = message
	} else if err != nil {
		return err
	} else {
		view := c.attemptView(&attempt)
		data.Verdict = c.texts.testResult(&attempt)
		data.Warnings = c.say(dispatch.WarningsFor(c.who.IsOperator(), d.Engine.Warnings(c.ctx(), &w)))
		data.Result, data.Taken, data.Path = &view, attempt.Succeeded(), "/deliveries/"+delivery.ID.String()
		if event, err := d.Store.Event(c.ctx(), c.tenant, delivery.EventID); err == nil {
			data.Result.Body = c.bodyOf(&w, &event)
		}
	}
	if c.isPart() {
		return c.part("test_result", data)
	}
	return c.page("webhook_test", c.texts.get("test.title", "name", w.Title()), data)
}
