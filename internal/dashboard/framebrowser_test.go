package dashboard_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal/server"
)

// application is a site that shows the portal in a frame of its page.
type application struct {
	*httptest.Server
	t    *testing.T
	peal *server.Server
	link atomic.Pointer[string] // what the frame shows
	made atomic.Int64           // links that the page asked for
}

// startApplication starts a site at https://localhost and a server that it may frame, at
// https://127.0.0.1: for browsers these are two sites.
func startApplication(t *testing.T) *application {
	t.Helper()
	a := &application{t: t}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	a.peal = startServer(t, func(o *server.Options) {
		o.TLSCert, o.TLSKey = writePair(t, a.Server)
		o.FrameAncestors = []string{a.at("localhost")}
	})
	return a
}

// at is the site's origin under another name of this machine.
func (a *application) at(host string) string {
	return "https://" + host + a.URL[strings.LastIndexByte(a.URL, ':'):]
}

// serve answers with the page, which asks for a new link when a visit ends, as
// docs/portal.md has it.
func (a *application) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/link" {
		a.made.Add(1)
		fmt.Fprint(w, a.newLink("acme").URL)
		return
	}
	renew := ""
	if r.URL.Query().Has("renew") {
		renew = `<script>
const frame = document.querySelector("iframe");
addEventListener("message", async (event) => {
  if (event.source === frame.contentWindow && event.data?.peal === "session-ended") frame.src = await (await fetch("/link")).text();
});
</script>`
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Application</title><iframe src="%s" title="Webhooks" width="1100" height="800"></iframe>%s`, *a.link.Load(), renew)
}

type portalLink struct{ ID, URL string }

// newLink creates a link for a tenant with the API.
func (a *application) newLink(tenant string) portalLink {
	a.t.Helper()
	return newLink(a.t, a.Client(), "https://"+a.peal.Addr(), tenant)
}

func (a *application) call(method, path, tenant, body string) *http.Response {
	a.t.Helper()
	return callAPI(a.t, a.Client(), method, "https://"+a.peal.Addr()+path, tenant, body)
}

func newLink(t *testing.T, client *http.Client, base, tenant string) (made portalLink) {
	t.Helper()
	answer := callAPI(t, client, http.MethodPost, base+"/v1/portal-links", tenant, `{"name": "ann@acme.example"}`)
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&made); err != nil || made.URL == "" {
		t.Errorf("no link: %s %v", answer.Status, err)
	}
	return made
}

// callAPI calls the API with the operator's key.
func callAPI(t *testing.T, client *http.Client, method, address, tenant, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+operatorKey)
	r.Header.Set("Peal-Tenant", tenant)
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// writePair writes the certificate that a server of the tests has, for another one.
func writePair(t *testing.T, s *httptest.Server) (certificate, key string) {
	t.Helper()
	pair := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for name, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// show opens a link in the frame of the application's page, and returns the frame. It is of another
// site, so the browser treats it as a separate page.
func (b *browser) show(a *application, link, query string) *browser {
	b.t.Helper()
	a.link.Store(&link)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	came := make(chan target.ID, 8)
	err := chromedp.Listen(ctx, func(event any) {
		if made, ok := event.(*target.EventTargetCreated); ok && made.TargetInfo.Type == "iframe" {
			came <- made.TargetInfo.TargetID
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.Navigate(a.at("localhost") + "/" + query))
	var id target.ID
	select {
	case id = <-came:
	case <-ctx.Done():
		b.t.Fatal("the page has no frame of another site")
	}
	inside, end := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
	frame := &browser{t: b.t, ctx: inside, framed: true, base: "https://" + a.peal.Addr() + "/portal"}
	if err := chromedp.Do(inside); err != nil {
		b.t.Fatal(err)
	}
	var listening sync.WaitGroup
	b.t.Cleanup(func() { end(); listening.Wait() })
	frame.listen(&listening)
	return frame
}
