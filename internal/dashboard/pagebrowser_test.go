package dashboard_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal/server"
)

// browser is a Chromium that is signed in to a server, and what it complained of.
type browser struct {
	t      *testing.T
	ctx    context.Context
	base   string
	framed bool

	mu         sync.Mutex
	complaints []string
}

// patience is the longest time that a test waits for a browser.
const patience = 40 * time.Second

// openBrowser starts Chromium and signs in by the link that the first start prints.
func openBrowser(t *testing.T, s *server.Server) *browser {
	t.Helper()
	b := startBrowser(t, "http://"+s.Addr())
	b.signUp(s.FirstRunPath())
	return b
}

// signUp creates the first user with the operator's link.
func (b *browser) signUp(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base+path), chromedp.WaitVisible(`input[name=password]`),
		chromedp.SendKeys(`input[name=name]`, "ada@example.com"), chromedp.SendKeys(`input[name=password]`, "a long password of Ada's"),
		chromedp.Submit(`input[name=password]`), chromedp.WaitVisible(`nav[aria-label=Menu]`))
}

// startBrowser starts Chromium, which is not at any page yet.
func startBrowser(t *testing.T, base string, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("the pages were not tried in a browser: install chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program), chromedp.WindowSize(1320, 900), chromedp.Flag("lang", "en-GB"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	options = append(options, more...)
	allocated, release := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, end := chromedp.NewContext(allocated)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	b := &browser{t: t, ctx: ctx, base: base}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("end the browser: %v", err)
		}
		end()
		release()
		listening.Wait()
	})
	b.listen(&listening)
	return b
}

// listen collects complaints until the page is gone.
func (b *browser) listen(listening *sync.WaitGroup) {
	messages := chromedp.Console(b.ctx)
	listening.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || strings.Contains(m.Text, "Content Security Policy") {
				b.complain(m.Text + " " + m.URL)
			}
		}
	})
}

func (b *browser) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

// complained returns the browser's complaints since the last call.
func (b *browser) complained() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.complaints
	b.complaints = nil
	return all
}

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		html, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(document.querySelector("main") ?? document.body).innerHTML`))
		b.t.Fatalf("%v; the page holds:\n%.3000s", err, html)
	}
}

// open goes to a path.
func (b *browser) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base+path), chromedp.WaitReady(`main`))
}

// press clicks what says a text.
func (b *browser) press(text string) {
	b.t.Helper()
	b.click(`//main//*[(self::a or self::button) and normalize-space()="` + text + `"]`)
}

// click clicks what an XPath finds: with the mouse, but in a frame of another site, which
// does not know where on the screen it is.
func (b *browser) click(path string) {
	b.t.Helper()
	if !b.framed {
		b.run(chromedp.Click(path))
		return
	}
	b.run(chromedp.WaitVisible(path), chromedp.Evaluate[chromedp.Void](`document.evaluate(`+strconv.Quote(path)+`, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue.click()`))
}

// sees waits until the page says a text.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(`//main//*[contains(normalize-space(), "` + text + `")]`))
}

// settles waits until the page's scripts have run: a field is there before they listen to it.
func (b *browser) settles() {
	b.t.Helper()
	get[bool](b, `new Promise((done) => document.readyState === "complete" ? done(true) : addEventListener("load", () => done(true)))`)
}

// fill replaces what a field holds.
func (b *browser) fill(field, text string) {
	b.t.Helper()
	b.run(chromedp.SetValue(field, text))
}

// holds checks what a field holds.
func (b *browser) holds(field, want string) {
	b.t.Helper()
	if got := get[string](b, `document.querySelector(`+strconv.Quote(field)+`).value`); got != want {
		b.t.Errorf("%s holds %q, not %q", field, got, want)
	}
}

// find reports whether one of some texts has a word in it.
func find(texts []string, word string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, word) })
}

// axe returns the serious and critical findings of axe-core on the page.
func (b *browser) axe() []string {
	b.t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "test", "npm", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		b.t.Skip("the pages were not checked with axe-core: run scripts/test-deps")
	}
	b.run(chromedp.Evaluate[chromedp.Void](string(source) + "\n;0"))
	return get[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html + " " + n.failureSummary).join(" | ")))`)
}

// get evaluates an expression in the page.
func get[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}
