package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// slowly sends half of a request's body, does something, and sends the rest.
func (b *bench) slowly(r request, body string, between func()) reply {
	b.Helper()
	reader, writer := io.Pipe()
	sent, err := http.NewRequestWithContext(b.Context(), r.method, b.server.URL+r.path, reader)
	if err != nil {
		b.Fatal(err)
	}
	sent.ContentLength = int64(len(body))
	sent.Header.Set("Content-Type", "application/json")
	if r.key != "none" {
		sent.Header.Set("Authorization", "Bearer "+r.key)
	}
	for name, value := range r.header {
		sent.Header.Set(name, value)
	}
	go func() {
		io.WriteString(writer, body[:len(body)/2])
		between()
		io.WriteString(writer, body[len(body)/2:])
		writer.Close()
	}()
	response, err := b.client.Do(sent)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return reply{response, text}
}

// TestRevokedWhileTheBodyCame revokes what let a request in before its body is whole: it is
// refused, and nothing of it is taken.
func TestRevokedWhileTheBodyCame(t *testing.T) {
	b := newBench(t)
	const event = `{"type":"t","data":"too late"}`
	newKey := func() (id, text string) {
		made := b.want(201, request{method: "POST", path: "/v1/keys", tenant: "acme", body: `{"name":"n","scopes":["publish","manage","read"]}`})
		return made["id"].(string), made["key"].(string)
	}
	for path, body := range map[string]string{
		"/v1/events": event, "/v1/events/batch": `{"events":[` + event + `]}`, "/v1/webhooks": `{"url":"http://127.0.0.1:1/","events":["*"]}`,
		"/v1/keys": `{"name":"another","scopes":["read"]}`,
	} {
		id, text := newKey()
		b.want(200, request{method: "GET", path: "/v1/webhooks", key: text})
		got := b.slowly(request{method: "POST", path: path, key: text}, body, func() {
			b.want(204, request{method: "DELETE", path: "/v1/keys/" + id, tenant: "acme"})
		})
		if got.StatusCode != 401 {
			t.Errorf("POST %s with a key that was revoked meanwhile answered %d: %s", path, got.StatusCode, got.body)
		}
	}
	user, cookie := b.newUser("ann", "acme", peal.RoleOwner)
	session := request{method: "POST", path: "/v1/events", key: "none", header: map[string]string{"Cookie": cookie}}
	if got := b.slowly(session, event, func() {
		if err := b.identity.DeleteUser(t.Context(), "acme", user.ID); err != nil {
			t.Error(err)
		}
	}); got.StatusCode != 401 {
		t.Errorf("a deleted user's event is answered %d: %s", got.StatusCode, got.body)
	}
	source := b.newSource("acme", `{"name":"tasks","format":"standard","unverified":true}`)
	if got := b.slowly(request{method: "POST", path: "/in/" + source, key: "none"}, event, func() {
		b.want(204, request{method: "DELETE", path: "/v1/sources/" + source, tenant: "acme"})
	}); got.StatusCode != 404 {
		t.Errorf("a deleted source's request is answered %d: %s", got.StatusCode, got.body)
	}
	for _, list := range []string{"events", "webhooks"} {
		if got := b.do(request{method: "GET", path: "/v1/" + list, tenant: "acme"}); !strings.Contains(string(got.body), `"data":[]`) {
			t.Errorf("something was taken: %s", got.body)
		}
	}
}
