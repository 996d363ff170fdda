package dashboard_test

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// newBrowser starts a real browser with a new profile.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium: scripts/test-deps installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, quit := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil { // waits for the process
			t.Logf("the browser ended with %v", err)
		}
		quit()
		stop()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	bounded, done := context.WithTimeout(browser, 2*time.Minute)
	t.Cleanup(done)
	return bounded
}

// TestBrowser signs in, is locked out, comes back, and is thrown out by a revocation, in
// a real browser. Nothing that a page does is against its own content security policy.
func TestBrowser(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	d := newDoorway(t, func(o *identity.Options) {
		o.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	user := d.user("ann")
	browser := newBrowser(t)
	troubles := &complaints{}
	if err := chromedp.Listen(browser, troubles.hear); err != nil {
		t.Fatal(err)
	}
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(browser, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	tell := func(what string, action chromedp.Action[string]) string {
		t.Helper()
		text, err := chromedp.Run(browser, action)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return text
	}
	// leave clicks and waits until another page is there.
	leave := func(what, button string) {
		t.Helper()
		tell(what, chromedp.Evaluate[string](`document.body.dataset.old = "yes"`))
		do(what, chromedp.Click(button), chromedp.WaitReady("body:not([data-old])"))
	}
	signIn := func(password string) {
		t.Helper()
		do("fill in the form", chromedp.WaitVisible("#password"), chromedp.SetValue("#name", "ann"), chromedp.SetValue("#password", password))
		leave("sign in", "button[type=submit]")
	}
	trouble := func(want string) {
		t.Helper()
		if text := tell("read what is wrong", chromedp.Text(".notice.bad")); !strings.Contains(text, want) {
			t.Errorf("the page says %q, not %q", text, want)
		}
	}
	isAt := func(what, prefix string) {
		t.Helper()
		if at := tell(what, chromedp.Location()); !strings.HasPrefix(at, d.url+prefix) {
			t.Errorf("%s: the browser is at %s, not at %s", what, at, prefix)
		}
	}
	do("ask for a page", chromedp.Navigate(d.url+"/account?from=browser"), chromedp.WaitVisible("#password"))
	isAt("without a session", "/login?next=")
	for range 5 {
		signIn("wrong")
		trouble("the name or the password is wrong")
	}
	signIn(password)
	trouble("too many failed attempts")
	mu.Lock()
	now = now.Add(15 * time.Minute)
	mu.Unlock()
	signIn(password)
	isAt("signed in", "/t/default/account?from=browser")
	if name := tell("read the name", chromedp.Text("#who")); name != "ann" {
		t.Errorf("signed in as %q", name)
	}
	if visible := tell("look for the cookie from a script", chromedp.Evaluate[string](`document.cookie`)); strings.Contains(visible, ";") || !strings.HasPrefix(visible, "peal_zone=") {
		t.Errorf("scripts see the cookie %q", visible)
	}
	sessions, err := d.identity.OpenSessions(t.Context(), identity.Principal{ID: user.ID.String()}, 10)
	if err != nil || len(sessions) != 1 {
		t.Fatal(sessions, err)
	}
	if err := d.identity.Revoke(t.Context(), "", sessions[0].ID); err != nil {
		t.Fatal(err)
	}
	do("load the page after the revocation", chromedp.Reload(), chromedp.WaitVisible("#password"))
	isAt("with a revoked session", "/login?next=")
	signIn(password)
	leave("sign out", "#logout")
	isAt("signed out", "/login")
	if _, err := d.store.SessionByHash(t.Context(), sessions[0].Hash, now); peal.CodeOf(err) != peal.NotFound {
		t.Errorf("the session is still there: %v", err)
	}
	for _, what := range troubles.all() {
		t.Error(what)
	}
}
