package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal"
)

// An empty dashboard leads to a first delivered event in three clicks.
func TestFirstRun(t *testing.T) {
	b := openBrowser(t, startServer(t))
	b.open("/")
	b.press("Try it with the built-in receiver")
	b.press("Create the webhook")
	b.press("Publish the event")
	b.sees("delivered")
	b.sees("What the receiver got")
	b.press("See what happened")
	b.sees("Answered 200")
	b.sees("It asks for *, and the event is a task.created.")
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}

// Create, test, fail, fix, replay: the life of a webhook, in the browser.
func TestJourney(t *testing.T) {
	s := startServer(t)
	b := openBrowser(t, s)
	receiver := newEndpoint(t, http.StatusServiceUnavailable)
	body := hostile
	receiver.body.Store(&body)

	b.open("/webhooks/new")
	b.fill(`#url`, "ftp://nowhere")
	b.fill(`#patterns`, "task.*")
	b.fill(`#description`, "typed by hand")
	b.press("Create webhook")
	b.sees("must start with https://")
	if got := get[string](b, `document.querySelector("#description").value`); got != "typed by hand" {
		t.Errorf("the description is %q after a fault", got)
	}
	b.complained() // the browser reports the answer 422
	b.fill(`#url`, receiver.URL+"/hook")
	b.run(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`))
	b.fill(`#delays`, "1ms")
	b.fill(`#jitter`, "0")
	b.press("Create webhook")
	b.sees("The webhook is created.")

	b.press("Send a test")
	b.press("Send now")
	b.sees("Refused: answered ")
	b.sees(`\x1b[31m`)
	if title := get[string](b, `document.title`); title == "owned" {
		t.Error("the answer of the endpoint ran in the page")
	}

	published, err := s.Engine().Publish(t.Context(), peal.DefaultTenant, peal.Event{Type: "task.created", Data: []byte(`{"id":7}`)})
	if err != nil {
		t.Fatal(err)
	}
	b.open("/events/" + published[0].Event.Key.String())
	for get[int](b, `document.querySelectorAll(".pill.bad").length`) == 0 {
		b.run(chromedp.Reload(), chromedp.WaitReady(`main`))
	}
	b.open("/")
	b.sees("answers 503")

	receiver.status.Store(http.StatusNoContent)
	receiver.body.Store(nil)
	b.open("/webhooks/" + published[0].Webhooks[0].String() + "/replay")
	b.sees("1 delivery")
	b.press("Start the replay")
	b.sees("1 sent again")
	b.open("/events/" + published[0].Event.Key.String())
	for get[int](b, `document.querySelectorAll(".pill.ok").length`) == 0 {
		b.run(chromedp.Reload(), chromedp.WaitReady(`main`))
	}
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}

// The second of two people who edit a webhook is shown the difference, and a new
// secret signs beside the old one.
func TestTwoEditors(t *testing.T) {
	s := startServer(t)
	data := seed(t, s)
	b := openBrowser(t, s)
	w := data.webhooks[2]
	b.open("/webhooks/" + w.ID.String() + "/edit")
	w.Description = "changed by somebody else"
	if _, err := s.Store().UpdateWebhook(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	b.fill(`#description`, "my own words")
	b.press("Save")
	b.sees("changed by somebody else")
	b.sees("my own words")
	b.press("Save")
	b.sees("The changes are saved")

	b.open("/webhooks/" + w.ID.String() + "/secret")
	b.press("Give it a new secret")
	b.run(chromedp.WaitVisible(`#shown-secret`))
	shown := get[string](b, `document.querySelector("#shown-secret").value`)
	stored, err := s.Store().Webhook(t.Context(), w.Tenant, w.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(stored.Secrets) != 2 || stored.Secrets[0].Value != shown || !strings.HasPrefix(shown, "whsec_") || stored.Secrets[1].ExpiresAt.IsZero() {
		t.Errorf("the page shows %q, and the webhook has %d secrets", shown, len(stored.Secrets))
	}
	audit, err := s.Store().Audit(t.Context(), peal.AuditQuery{Action: "webhook.rotate_secret", Limit: 10})
	if err != nil || len(audit) != 1 || audit[0].Actor != "ada@example.com" {
		t.Errorf("the audit log holds %v (%v)", audit, err)
	}
}

// A list of deliveries shows what is new without being asked.
func TestLiveDeliveries(t *testing.T) {
	s := startServer(t)
	b := openBrowser(t, s)
	b.open("/")
	b.press("Try it with the built-in receiver")
	b.press("Create the webhook")
	b.sees("Publish the event")
	b.open("/deliveries")
	b.sees("No deliveries here")
	if _, err := s.Engine().Publish(t.Context(), peal.DefaultTenant, peal.Event{Type: "order.paid", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	b.sees("order.paid")
	b.run(chromedp.WaitVisible(`tr .pill.ok`))
}
