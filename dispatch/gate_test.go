package dispatch_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// Secrets that an endpoint echoes appear nowhere: not in an attempt, the webhook's status, an event
// about it or the log.
func TestRepeatedSecretsShowNowhere(t *testing.T) {
	const query, key, hidden, bearer = "canary-of-the-query", "canary-of-the-key", "canary-of-the-variable", "canary-of-the-bearer"
	answers := map[string]func(rw http.ResponseWriter, said string){
		"a redirect": func(rw http.ResponseWriter, said string) {
			rw.Header().Set("Location", "https://else.test/?"+said)
			rw.WriteHeader(http.StatusFound)
		},
		"garbage": func(rw http.ResponseWriter, said string) {
			conn, _, err := rw.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(conn, "HTTP/1.1 "+said+"\r\n\r\n")
				conn.Close()
			}
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var log bytes.Buffer
				e, stop := w.engine(func(o *dispatch.Options) {
					o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
					o.Variables = map[string]string{"TOKEN": hidden}
				})
				r := w.receive("echo", func(rw http.ResponseWriter, r *http.Request, _ int) {
					said := r.URL.RawQuery + "," + r.Header.Get("X-Auth-Key") + "," + r.Header.Get("X-Var") + "," + r.Header.Get("Authorization")
					answer(rw, strings.ReplaceAll(said+","+base64.StdEncoding.EncodeToString([]byte(key)), " ", "."))
				})
				ops := w.receive("ops", nil)
				hook := w.webhook(e, r.url()+"?t="+query, func(h *peal.Webhook) {
					h.Headers = map[string]string{"X-Auth-Key": key, "X-Var": "{{TOKEN}}"}
					h.Authorization = "Bearer " + bearer
					h.RetryPolicy = &peal.RetryPolicy{DisableAfterExhausted: 1}
				})
				w.webhook(e, ops.url(), func(h *peal.Webhook) { h.Tenant, h.Events = peal.OperationsTenant, []string{"peal.*"} })
				w.publish(e, event(1))
				said := ops.wait(2) // exhausted, disabled
				time.Sleep(time.Minute)
				delivery := w.settled(hook.ID, 1)[0]
				saved, err := w.store.Webhook(w.ctx, tenant, hook.ID)
				if err != nil || saved.StatusReason == "" {
					t.Fatalf("it is not disabled: %v", err)
				}
				outputs := map[string]string{"the status": saved.StatusReason}
				for _, a := range w.attempts(delivery.ID) {
					outputs["the attempt"] = a.Error + a.URL + string(a.RequestHead) + string(a.ResponseHead) + string(a.ResponseBody)
					if !strings.Contains(a.Error, "[redacted]") {
						t.Errorf("the endpoint repeats nothing: %s", a.Error)
					}
				}
				for _, s := range said {
					outputs["an event"] += s.body
				}
				stop()
				outputs["the log"] = log.String()
				for where, text := range outputs {
					for _, secret := range []string{query, key, hidden, bearer, base64.StdEncoding.EncodeToString([]byte(key))} {
						if text == "" || strings.Contains(text, secret) {
							t.Errorf("%s shows in %s:\n%s", secret, where, text)
						}
					}
				}
			})
		})
	}
}
