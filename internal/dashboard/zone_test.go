package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/server"
)

// visit returns a person with separate cookies who is signed in to the pages of a server's store.
func visit(t *testing.T, s *server.Server) *doorway {
	t.Helper()
	options := identity.DefaultOptions()
	options.Store, options.Cost = s.Store(), identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	who, err := identity.New(options)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dashboard.New(dashboard.Options{Identity: who, Store: s.Store(), Engine: s.Engine(), Intake: pageOptions(s.Store(), who).Intake})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(pages)
	t.Cleanup(web.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &doorway{TB: t, store: s.Store(), identity: who, pages: pages, url: web.URL, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	d.user("ada@example.com")
	d.leads(d.post("/login", url.Values{"name": {"ada@example.com"}, "password": {password}}), "/")
	return d
}

// keep puts a cookie into the browser.
func (d *doorway) keep(name, value string) {
	d.Helper()
	at, err := url.Parse(d.url)
	if err != nil {
		d.Fatal(err)
	}
	d.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// TestEveryTimeIsInTheReadersZone walks all pages and looks for times that are not shown as such:
// in the reader's zone, with UTC in the title and for machines.
func TestEveryTimeIsInTheReadersZone(t *testing.T) {
	s := startServer(t)
	data := seed(t, s)
	d := visit(t, s)
	const name = "Asia/Kathmandu" // a quarter of an hour beside the others
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	d.keep("peal_zone", name)
	// What is sent wrong, and why, has times in sentences.
	failing := data.webhooks[4]
	if err := s.Store().SetHealth(t.Context(), failing.ID, peal.WebhookHealth{ExhaustedInRow: 2, FailingSince: time.Now().Add(-30 * time.Hour), CertificateExpiresAt: time.Now().Add(50 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	paths := pagesOf(data)
	paths["all"] = "/all"
	d.follow(identity.NewPortalLink{Tenant: "default", Name: "carla"}, "")
	for _, page := range []string{"/", "/webhooks/" + failing.ID.String(), "/deliveries", "/deliveries/" + data.pending.String(), "/events/" + data.event.String(), "/webhooks/" + failing.ID.String() + "/replay"} {
		paths["portal"+page] = "/portal" + page
	}
	all := 0
	for _, path := range paths {
		if strings.HasPrefix(path, "/welcome") {
			continue
		}
		got := d.get(path)
		if got.StatusCode != 200 {
			t.Errorf("%s answers %d", path, got.StatusCode)
			continue
		}
		n, faults := timesOn(got.body, zone)
		for _, fault := range faults {
			t.Errorf("%s: %s", path, fault)
		}
		all += n
		d.shows(got, 200, name+" (UTC&#43;05:45)")
	}
	if all < 200 {
		t.Errorf("there are only %d times on all pages", all)
	}
}

var (
	clockOrDate = regexp.MustCompile(`\b\d{1,2}:\d\d\b|\b\d{4}-\d\d-\d\d\b|\d\d\d\dZ\b`)
	withOffset  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d\.\d{3})? \+05:45`)
)

// timesOn counts the time elements of a page, and returns what is wrong with them and what else
// looks like a time.
func timesOn(page string, zone *time.Location) (n int, faults []string) {
	tokens := html.NewTokenizer(strings.NewReader(page))
	var within []string // the elements around that show no prose
	var at time.Time    // of the time element around
	left := false       // it is counted down to
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return n, faults
		}
		token := tokens.Token()
		attributes := map[string]string{}
		for _, a := range token.Attr {
			attributes[a.Key] = a.Val
		}
		switch token.Data {
		case "code", "pre", "time", "textarea", "script", "svg":
			if kind == html.StartTagToken {
				within = append(within, token.Data)
			} else if kind == html.EndTagToken && len(within) > 0 {
				within = within[:len(within)-1]
			}
		}
		inside := ""
		if len(within) > 0 {
			inside = within[len(within)-1]
		}
		switch {
		case kind == html.StartTagToken && token.Data == "time":
			n++
			_, left = attributes["data-until"]
			var err error
			if at, err = time.Parse(time.RFC3339Nano, attributes["datetime"]); err != nil {
				faults = append(faults, "a time element is not for machines: "+token.String())
			}
			if want := at.UTC().Format("2006-01-02 15:04:05.000 UTC"); attributes["title"] != want {
				faults = append(faults, fmt.Sprintf("the title of a time is %q, want %q", attributes["title"], want))
			}
		case kind == html.TextToken && inside == "time":
			text := token.Data
			known := strings.HasSuffix(text, " ago") || text == "now" || left && regexp.MustCompile(`^\d\d:\d\d$`).MatchString(text)
			for _, layout := range []string{"2006-01-02 15:04:05.000 -07:00", "2006-01-02 15:04", "15:04", "15:04:05"} {
				known = known || text == at.In(zone).Format(layout)
			}
			if !known {
				faults = append(faults, fmt.Sprintf("%v is shown as %q", at, text))
			}
		case kind == html.TextToken && inside == "svg": // which has no time element
			if text := withOffset.ReplaceAllString(token.Data, ""); strings.Contains(text, " to ") && clockOrDate.MatchString(text) {
				faults = append(faults, "a chart has "+token.Data)
			}
		case kind == html.TextToken && inside == "":
			if text := strings.ReplaceAll(token.Data, "(UTC+05:45)", ""); clockOrDate.MatchString(text) {
				faults = append(faults, "a time outside of a time element: "+strings.TrimSpace(token.Data))
			}
		}
		for _, key := range []string{"title", "aria-label", "placeholder"} {
			if token.Data != "time" && clockOrDate.MatchString(attributes[key]) {
				faults = append(faults, key+" has a time: "+attributes[key])
			}
		}
		if value := attributes["value"]; token.Data == "input" && attributes["type"] == "datetime-local" && value != "" {
			if written, err := time.ParseInLocation("2006-01-02T15:04", value, zone); err != nil || time.Since(written).Abs() > 31*time.Hour {
				faults = append(faults, "a form begins with the time "+value)
			}
		}
	}
}

// TestZone changes the zone in every way that there is, and in those that must not change it.
func TestZone(t *testing.T) {
	d := newDoorway(t, framed)
	d.user("ann")
	d.leads(d.post("/login", url.Values{"name": {"ann"}, "password": {password}}), "/")
	shows := func(what, label string) {
		t.Helper()
		if got := d.get("/account"); !strings.Contains(got.body, "<b>"+html.EscapeString(label)) && !strings.Contains(got.body, "<b>"+strings.ReplaceAll(label, "+", "&#43;")) {
			t.Errorf("%s: the page is not in %s: %s", what, label, regexp.MustCompile(`<label for="zone">.*?</label>`).FindString(got.body))
		}
	}
	shows("nothing is known", "UTC")
	for _, bad := range []string{"Local", "../../etc/passwd", "/etc/localtime", "Nowhere/At-all", strings.Repeat("a", 100), "<script>"} {
		d.keep("peal_zone", bad)
		shows("the cookie "+bad, "UTC")
	}
	d.keep("peal_zone", "Asia/Tokyo")
	shows("the browser's", "Asia/Tokyo (UTC+09:00)")
	if got := d.get("/account"); !strings.Contains(got.body, `data-zone="Asia/Tokyo"`) {
		t.Error("the page does not tell its zone")
	}
	d.leads(d.post("/zone", url.Values{"zone": {"America/Caracas"}, "back": {"/account?x=1"}}), "/account?x=1")
	shows("a choice", "America/Caracas (UTC-04:00)")
	if got := d.get("/account"); strings.Contains(got.body, `data-zone=`) {
		t.Error("the script would correct a choice")
	}
	d.shows(d.post("/zone", url.Values{"zone": {"Nowhere"}}), 422, "Nowhere is not the name of a time zone")
	d.leads(d.post("/zone", url.Values{"zone": {"UTC"}, "back": {"//evil.example/"}}), "/")
	shows("UTC by choice", "UTC")
	d.shows(d.post("/zone", url.Values{"zone": {"Asia/Tokyo"}}, "Sec-Fetch-Site", "cross-site"), 403)
	shows("another site's form", "UTC")
	d.leads(d.post("/zone", url.Values{"zone": {""}}), "/")
	shows("the browser's again", "Asia/Tokyo (UTC+09:00)")
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla", ReadOnly: true}, "")
	d.leads(d.post("/portal/zone", url.Values{"zone": {"Asia/Kolkata"}, "back": {"/portal/webhooks"}}), "/portal/webhooks")
	d.shows(d.get("/portal/webhooks"), 200, "Asia/Kolkata")
	shows("the portal's choice is the portal's", "Asia/Tokyo (UTC+09:00)")
}

// TestFormTimes reads times of a form in the zone that its page showed, also where the clocks
// change.
func TestFormTimes(t *testing.T) {
	d := newDoorway(t)
	d.user("ann")
	d.leads(d.post("/login", url.Values{"name": {"ann"}, "password": {password}}), "/")
	d.keep("peal_zone", "Asia/Tokyo") // since the page was shown
	w := d.hook("default")
	for _, one := range []struct {
		zone, since, until, want string
	}{
		{"Europe/Berlin", "2025-03-30T01:59", "2025-03-30T03:00", ""},
		{"Europe/Berlin", "2025-03-30T02:30", "", "skip that time. 2025-03-30T01:00:00Z"},
		{"Europe/Berlin", "2025-03-30T01:00", "2025-03-30T02:00", "skip that time. 2025-03-30T01:00:00Z"},
		{"Europe/Berlin", "2025-10-26T02:30", "", "earlier one is taken: 2025-10-26T00:30:00Z"},
		{"Europe/Berlin", "2025-10-26T01:59", "2025-10-26T02:30", "later one is taken: 2025-10-26T01:30:00Z"},
		{"Europe/Berlin", "2025-10-26T01:59", "2025-10-26T03:00", ""},
		{"America/New_York", "2025-11-02T01:15", "", "earlier one is taken: 2025-11-02T05:15:00Z"},
		{"Australia/Lord_Howe", "2025-04-06T01:45", "", "earlier one is taken: 2025-04-05T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30T12:00", "", "skip that time. 2011-12-30T10:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04T00:00", "", "skip that time. 2018-11-04T03:00:00Z"},
	} {
		form := url.Values{"zone": {one.zone}, "since": {one.since}, "until": {one.until}, "failed": {"on"}}
		got := d.post("/webhooks/"+w.ID.String()+"/replay/count", form, "HX-Request", "true")
		text := regexp.MustCompile(`<time datetime="(.*?)".*?</time>`).ReplaceAllString(got.body, "$1")
		if changed := strings.Contains(text, "The clocks"); got.StatusCode != 200 || changed != (one.want != "") || !strings.Contains(text, one.want) {
			t.Errorf("%+v: %d %s", one, got.StatusCode, text)
		}
	}
	for zone, want := range map[string]string{"Asia/Kathmandu": "2025-06-01T06:15:00Z", "": "2025-06-01T03:00:00Z", "Nowhere": "2025-06-01T03:00:00Z"} {
		got := d.post("/webhooks/"+w.ID.String()+"/replay", url.Values{"zone": {zone}, "since": {"2025-06-01T12:00"}, "failed": {"on"}})
		jobs, err := d.store.Replays(d.Context(), peal.ReplayQuery{Tenant: "default", WebhookID: w.ID, Limit: 1})
		if err != nil || len(jobs) != 1 || got.StatusCode != 303 {
			t.Fatalf("no replay: %d, %v", got.StatusCode, err)
		}
		if since := jobs[0].Since.Format(time.RFC3339); since != want {
			t.Errorf("12:00 in %q is %s, want %s", zone, since, want)
		}
	}
}

// TestZoneOfTheBrowser opens pages in a real browser elsewhere: the sign-in page notes its zone, and
// a page that was written in another zone is asked for again before it is drawn.
func TestZoneOfTheBrowser(t *testing.T) {
	s := startServer(t)
	b := startBrowser(t, "http://"+s.Addr(), chromedp.Env("TZ=Asia/Tokyo"))
	b.signUp(s.FirstRunPath())
	label := `document.querySelector("label[for=zone]").textContent`
	if got := get[string](b, label); !strings.Contains(got, "Asia/Tokyo (UTC+09:00)") {
		t.Errorf("the first page has %q", got)
	}
	b.run(chromedp.Evaluate[chromedp.Void](`document.cookie = "peal_zone=Europe/Berlin; path=/"`))
	b.open("/account")
	if got := get[string](b, label); !strings.Contains(got, "Asia/Tokyo (UTC+09:00)") {
		t.Errorf("after the cookie was another's, the page has %q", got)
	}
	if kind := get[string](b, `performance.getEntriesByType("navigation")[0].type`); kind != "reload" {
		t.Errorf("the page came by %q", kind)
	}
	if got := get[string](b, `document.querySelector("main time").textContent`); !strings.HasSuffix(got, " +09:00") {
		t.Errorf("the session began at %q", got)
	}
	b.run(chromedp.SetValue("#zone", "UTC"), chromedp.Submit("#zone"))
	b.run(chromedp.WaitReady("html:not([data-zone])"))
	b.open("/account")
	if got := get[string](b, `document.querySelector("main time").textContent`); !strings.HasSuffix(got, " UTC") {
		t.Errorf("with UTC chosen, the session began at %q", got)
	}
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}

// Every fault of the form is shown at its field in one round, and what was typed stays.
func TestReplayFormFaults(t *testing.T) {
	d := newDoorway(t)
	d.user("ann")
	d.leads(d.post("/login", url.Values{"name": {"ann"}, "password": {password}}), "/")
	d.keep("peal_zone", "Asia/Tokyo") // since the page was shown
	w := d.hook("default")
	got := d.post("/webhooks/"+w.ID.String()+"/replay", url.Values{"zone": {"UTC"}, "since": {"yesterday"}, "until": {"noon"}})
	d.shows(got, 422, `id="since-fault"`, `id="until-fault"`, "choose at least one, or include missed events", `value="noon"`)
	got = d.post("/webhooks/"+w.ID.String()+"/replay", url.Values{"zone": {"UTC"}, "since": {"2999-01-01T00:00"}})
	d.shows(got, 422, `id="since-fault"`, "choose at least one, or include missed events")
}
