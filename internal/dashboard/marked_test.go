package dashboard_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/preset"
	"github.com/pealhq/peal/wire"
)

// Every word of every page that is not somebody's data comes from the texts: in a
// language that marks them all, nothing is left unmarked.
func TestEveryWordIsAText(t *testing.T) {
	s := startServer(t)
	data := seed(t, s)
	options := identity.DefaultOptions()
	options.Store, options.Cost = s.Store(), identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	who, err := identity.New(options)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dashboard.New(dashboard.Options{Identity: who, Store: s.Store(), Engine: s.Engine(), Intake: pageOptions(s.Store(), who).Intake})
	if err == nil {
		err = pages.Mark()
	}
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(pages)
	t.Cleanup(web.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &doorway{TB: t, store: s.Store(), identity: who, url: web.URL, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	d.user("ada@example.com")
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{">" + machine + "<", "><", "answered 503.", "", "no answer within 15s.", "", "the certificate has expired.", "", "Go-http-client/1.1", "", "tenant.language.xx", ""}
	for _, format := range wire.Formats() {
		names = append(names, format.Title+" ("+format.Name+")", "", ">"+format.Title+"<", "><")
	}
	for _, system := range preset.All() {
		names = append(names, ">"+system.Title+"<", "><", html.EscapeString(system.Description), "", strings.ReplaceAll(system.Description, "'", "&#39;"), "")
	}
	for _, scope := range []peal.KeyScope{peal.ScopePublish, peal.ScopeManage, peal.ScopeRead, peal.ScopeMetrics} {
		names = append(names, ">"+string(scope)+"<", "><")
	}
	named := strings.NewReplacer(names...) // what systems call themselves
	read := func(p page) {
		t.Helper()
		for _, text := range unmarked(named.Replace(p.body)) {
			t.Errorf("%s says %q, which is not among the texts", p.Request.URL.Path, text)
		}
	}
	marked := []string{"Accept-Language", "xx"}
	read(d.get("/login", marked...))
	read(d.get("/nowhere", marked...))
	read(d.get("/portal/", marked...))
	form := url.Values{"name": {"ada@example.com"}, "password": {"wrong"}}
	read(d.post("/login", form, marked...))
	form.Set("password", password)
	read(d.post("/login", form, marked...))
	for _, path := range pagesOf(data) {
		if !strings.HasPrefix(path, "/welcome") {
			read(d.get(path, marked...))
		}
	}
	read(d.get("/account", marked...))
	read(d.get("/webhooks/webhook_1", marked...))
	for path, form := range map[string]url.Values{
		"/webhooks": {"url": {"ftp://x"}, "patterns": {"%"}, "headers": {"x"}, "extra_payload": {"["}, "timeout": {"x"}, "filter": {"("}, "delays": {"x"}},
		"/publish":  {"type": {"ä"}, "data": {"{"}},
		"/keys":     {"name": {""}},
		"/users":    {"name": {"X"}, "password": {"x"}},
		"/tenants":  {"tenant": {"%"}},
		"/sources":  {"name": {"tasks"}, "format": {"vikunja"}, "dedup": {"id"}},
	} {
		got := d.post(path, form, marked...)
		if got.StatusCode != 422 {
			t.Errorf("%s answers %d", path, got.StatusCode)
		}
		read(got)
	}
	d.follow(identity.NewPortalLink{Tenant: "default", Name: "carla", ReadOnly: true}, "")
	read(d.get("/portal/", marked...))
	read(d.post("/portal/webhooks", nil, marked...))
}

var (
	mark = regexp.MustCompile(`⟦[^⟦⟧]*⟧`)
	// somebodys are words that no language changes: names, addresses, what people typed,
	// units, what a protocol or a programming language is called, and what the audit log
	// records.
	somebodys = regexp.MustCompile(`https?://\S+|[\w-]+(\.[\w-]+)*\.example(/[\w/]*)?|ada@example\.com|carla|Peal|default|Acme's board|Northwind's warehouse|(task|comment|project)\.[\w*]+|task/\d+|\btasks\b|\bvikunja\b|The team's board|A task was .*\.|Somebody commented .*\.|A project was .*\.|The task's number\.|What is to be done\.|\b[a-z]+_[0-9a-z]{26}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\b(object|string|integer|email)\b|\b(user|password|wrong password|anonymous|portal|portal link)\b|Standard Webhooks|\b(Go|JavaScript|Python|Ruby|PHP|Java|Shell)\b|C#|verify\.py|\d+ ?(ms|s|m|min|h|d|µs|KiB|MiB|B)\b|\b24 h\b|UTC|p95|\b\d+([.,]\d)?k\b|HTTP/1\.1|JSON|#rrggbb|peal presets list`)
)

// unmarked collects the words that people see on a page, and that no text has.
func unmarked(page string) (all []string) {
	add := func(text string) {
		for mark.MatchString(text) {
			text = mark.ReplaceAllString(text, "")
		}
		if text = strings.TrimSpace(somebodys.ReplaceAllString(text, "")); strings.ContainsFunc(text, unicode.IsLetter) {
			all = append(all, text)
		}
	}
	page = regexp.MustCompile(`<time [^>]*>[^<]*</time>`).ReplaceAllString(page, "") // times within sentences
	tokens := html.NewTokenizer(strings.NewReader(page))
	var quoted []string // the elements around that hold data
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return all
		}
		token := tokens.Token()
		switch token.Data {
		case "code", "pre", "time", "textarea", "script", "style", "noscript":
			if kind == html.StartTagToken {
				quoted = append(quoted, token.Data)
			} else if kind == html.EndTagToken && len(quoted) > 0 {
				quoted = quoted[:len(quoted)-1]
			}
		}
		if kind == html.TextToken && len(quoted) == 0 {
			add(token.Data)
		}
		for _, attribute := range token.Attr {
			switch attribute.Key {
			case "title", "alt", "aria-label", "data-copied", "data-unreachable", "data-answer", "data-ended":
				if token.Data != "time" {
					add(attribute.Val)
				}
			}
		}
	}
}
