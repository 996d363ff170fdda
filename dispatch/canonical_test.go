package dispatch_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/pealhq/peal"
)

// A URL is stored in one spelling, which is looked up, named in TLS and written into the request as
// it is. An older one in another spelling is sent the same way.
func TestURLsOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		type line struct{ target, host string }
		lines, names := make(chan line, 10), make(chan string, 10)
		w.misreceive("xn--bcher-kva", false, func(conn net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				t.Error(err)
				return
			}
			lines <- line{r.RequestURI, r.Host}
			conn.Write([]byte("HTTP/1.1 204 \r\nConnection: close\r\n\r\n"))
		})
		w.misreceive("xn--bcher-kva", true, func(conn net.Conn) {
			tls.Server(conn, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				names <- hello.ServerName
				return nil, errors.New("that is all")
			}}).HandshakeContext(t.Context())
		})
		const saved = "http://xn--bcher-kva.test/%C3%A4%2F?q=%C3%B6%7B%7D"
		want := line{"/%C3%A4%2F?q=%C3%B6%7B%7D", "xn--bcher-kva.test"}
		hook := peal.Webhook{Tenant: tenant, URL: "HTTP://BÜCHER.test:80/ä%2F?q=ö{}", Events: []string{"*"}, Status: peal.Paused}
		made, err := e.CreateWebhook(w.ctx, hook)
		if err != nil || made.URL != saved {
			t.Fatalf("it is saved as %q: %v", made.URL, err)
		}
		old := w.webhook(e, hook.URL, func(h *peal.Webhook) { h.Status = peal.Paused }) // as it was stored before
		for _, id := range []peal.WebhookID{made.ID, old.ID} {
			_, attempt, err := e.Test(w.ctx, tenant, id, "a", []byte(`1`))
			if err != nil || !attempt.Succeeded() {
				t.Fatalf("%v: %s", err, attempt.Error)
			}
			if got := <-lines; got != want {
				t.Errorf("it is sent as %+v, want %+v", got, want)
			}
		}
		hook.URL = "https://bücher.test/"
		if made, err = e.CreateWebhook(w.ctx, hook); err != nil {
			t.Fatal(err)
		}
		if _, _, err := e.Test(w.ctx, tenant, made.ID, "a", []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		if got := <-names; got != "xn--bcher-kva.test" {
			t.Errorf("TLS names %q", got)
		}
		hook.URL = "https://a_ü.test/"
		if _, err := e.CreateWebhook(w.ctx, hook); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("a host that is not a name: %v", err)
		}
	})
}
