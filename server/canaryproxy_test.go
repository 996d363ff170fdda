package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/pealhq/peal/client"
)

// TestProxyCredentialsShowNowhere sends through proxies that echo requests, for http and https
// endpoints, and through one that does not exist.
func TestProxyCredentialsShowNowhere(t *testing.T) {
	c := canaries{"proxy's password": "canary-of-the-proxy", "proxy's user": "canary-user"}
	talkative := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic realm="+r.Header.Get("Proxy-Authorization"))
		w.WriteHeader(http.StatusProxyAuthRequired)
		user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		io.WriteString(w, user+":"+password+" ")
		r.Header.Write(w)
	}))
	defer talkative.Close()
	there, err := url.Parse(talkative.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, proxy := range []url.URL{{Scheme: "http", Host: there.Host}, {Scheme: "http", Host: "127.0.0.1:9"}, {Scheme: "socks5", Host: "127.0.0.1:9"}} {
		where := proxy.String()
		proxy.User = url.UserPassword(c["proxy's user"], c["proxy's password"])
		var log journal
		o := options(t)
		o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Egress.Proxy = proxy.String()
		s := start(t, o)
		operator := connect(t, "http://"+s.Addr(), o.OperatorKey)
		outputs := make(map[string]string)
		for _, target := range []string{"http://127.0.0.1:7/x", "https://127.0.0.1:7/x"} {
			w, err := operator.CreateWebhook(t.Context(), client.WebhookRequest{URL: &target, Events: []string{"*"}})
			if err != nil {
				t.Fatal(err)
			}
			outputs["the test of "+target] = get(t, s, o.OperatorKey, "POST", "/v1/webhooks/"+w.ID+"/test", "{}")
			result, err := operator.TestWebhook(t.Context(), w.ID, client.TestRequest{})
			if err != nil || result.Success {
				t.Fatalf("%s through %s: %+v %v", target, where, result, err)
			}
			outputs["the attempts at "+target] = get(t, s, o.OperatorKey, "GET", "/v1/deliveries/"+result.DeliveryID+"/attempts", "")
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		outputs["the log"] = log.String()
		for output, text := range outputs {
			c.search(t, output+" with "+where, text)
		}
	}
}
