package dashboard_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal"
)

// What was typed is still there when the server is gone as the form is sent, and goes
// to the server that comes back, in the session from before.
func TestRestartLosesNothing(t *testing.T) {
	p := startProcess(t, "127.0.0.1:0", t.TempDir())
	b := startBrowser(t, "http://"+p.addr)
	b.signUp(p.first)
	b.open("/webhooks/new")
	b.run(chromedp.SendKeys(`#url`, "http://127.0.0.1:9/hook"), chromedp.SendKeys(`#patterns`, "task.*"), chromedp.SendKeys(`#description`, "typed by hand"),
		chromedp.SendKeys(`#secret`, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	p.kill()
	b.press("Create webhook")
	b.sees("The server cannot be reached just now.")
	b.holds(`#description`, "typed by hand")
	b.holds(`#secret`, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if !find(b.complained(), "ERR_CONNECTION_REFUSED") {
		t.Error("the browser does not complain: was the server gone?")
	}

	startProcess(t, p.addr, p.data)
	b.press("Create webhook")
	b.sees("The webhook is created.")
	b.sees("typed by hand")
	b.complained() // the preview had asked for the server that was gone, too
	// Without an answer the page itself can be left, and come back to.
	b.open("/publish")
	b.run(chromedp.Clear(`#type`), chromedp.SendKeys(`#type`, "order.paid"), chromedp.SendKeys(`#subject`, "order/7"))
	b.run(chromedp.Reload(), chromedp.WaitVisible(`#kept`))
	b.holds(`#subject`, "order/7")
	b.run(chromedp.Click(`#kept button`), chromedp.WaitNotVisible(`#kept`))
	b.holds(`#subject`, "")
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}

// A form that is sent after the session has ended comes back after the sign-in, with
// what was typed.
func TestSessionEndsInAForm(t *testing.T) {
	s := startServer(t)
	w := seed(t, s).webhooks[2]
	b := openBrowser(t, s)
	b.open("/webhooks/" + w.ID.String() + "/edit")
	b.run(chromedp.Clear(`#description`), chromedp.SendKeys(`#description`, "typed by hand"), chromedp.Click(`input[name=active]`))
	user, err := s.Store().UserByName(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store().RevokeSessions(t.Context(), user.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	b.press("Save")
	b.run(chromedp.WaitVisible(`#password`))
	for _, one := range b.axe() {
		t.Errorf("axe-core, where one signs in: %s", one)
	}
	b.complained() // of the answer 401
	b.run(chromedp.SendKeys(`#name`, "ada@example.com"), chromedp.SendKeys(`#password`, "a long password of Ada's"), chromedp.Submit(`#password`), chromedp.WaitVisible(`#kept`))
	if at := get[string](b, `location.pathname`); at != "/t/default/webhooks/"+w.ID.String()+"/edit" {
		t.Errorf("after the sign-in the browser is at %s", at)
	}
	b.holds(`#description`, "typed by hand")
	if get[bool](b, `document.querySelector("input[name=active]").checked`) {
		t.Error("the box that was cleared is ticked")
	}
	b.press("Save")
	b.sees("The changes are saved")
	if saved, err := s.Store().Webhook(t.Context(), w.Tenant, w.ID); err != nil || saved.Description != "typed by hand" || saved.Status != peal.Disabled {
		t.Errorf("%+v is saved: %v", saved, err)
	}
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}
