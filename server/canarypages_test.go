package server_test

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

// browser follows links as somebody who clicks on everything, without scripts.
type browser struct {
	*http.Client
	base string
}

func newBrowser(t *testing.T, s *server.Server) *browser {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{&http.Client{Transport: transport, Jar: jar}, "http://" + s.Addr()}
}

// do returns the status and the whole answer, with its head.
func (b *browser) do(t *testing.T, method, address string, form url.Values) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.base+address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	response.Header.Write(&head)
	return response.StatusCode, head.String() + string(body)
}

// cookies are the values that let the browser in.
func (b *browser) cookies(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"/", "/portal"} {
		u.Path = where
		for _, cookie := range b.Jar.Cookies(u) {
			if len(cookie.Value) >= 32 {
				return cookie.Value
			}
		}
	}
	t.Fatal("nobody is signed in")
	return ""
}

var links = regexp.MustCompile(`(?:href|src|hx-get)="(/[^"#]*)`)

// crawl reads every page that links lead to.
func (b *browser) crawl(t *testing.T, from string) (pages map[string]string) {
	t.Helper()
	pages = make(map[string]string)
	for todo := []string{from}; len(todo) > 0 && len(pages) < 500; {
		address := todo[0]
		todo = todo[1:]
		if _, seen := pages[address]; seen || strings.HasSuffix(strings.Split(address, "?")[0], "/stream") || path.Ext(strings.Split(address, "?")[0]) != "" {
			continue
		}
		status, answer := b.do(t, http.MethodGet, address, nil)
		if status != http.StatusOK {
			t.Errorf("the link to %s answers %d", address, status)
		}
		pages[address] = html.UnescapeString(answer)
		for _, found := range links.FindAllStringSubmatch(answer, -1) {
			todo = append(todo, html.UnescapeString(found[1]))
		}
	}
	return pages
}

// pageOutputs returns the pages for people who may not see secrets there: all pages for viewers,
// and for an owner all except those that change a secret.
func pageOutputs(t *testing.T, s *server.Server, c canaries, operator *client.Client) map[string]string {
	t.Helper()
	outputs := make(map[string]string)
	add := func(who string, pages map[string]string, least int) {
		if len(pages) < least {
			t.Errorf("%s finds %d pages only", who, len(pages))
		}
		for address, page := range pages {
			outputs["the page "+address+" of "+who] = page
		}
	}
	for _, role := range []string{"viewer", "owner"} {
		const password = "a long password of the canaries"
		c["password"] = password
		if _, err := operator.CreateUser(t.Context(), client.UserCreateRequest{Name: role, Operator: new(true), UserRequest: client.UserRequest{Password: new(password), Role: &role}}); err != nil {
			t.Fatal(err)
		}
		b := newBrowser(t, s)
		if status, answer := b.do(t, http.MethodPost, "/login", url.Values{"name": {role}, "password": {password}}); status != http.StatusOK {
			t.Fatalf("sign in: %d %s", status, answer)
		}
		c["session token of the "+role] = b.cookies(t)
		pages := b.crawl(t, "/")
		if role == "owner" {
			for address := range pages {
				if at := strings.TrimPrefix(strings.Split(address, "?")[0], "/t/default"); strings.HasSuffix(at, "/edit") || strings.HasPrefix(at, "/webhooks/webhook_") && strings.Count(at, "/") == 2 {
					delete(pages, address) // there the URL shows in full, to whoever may change it
				}
			}
		}
		add("the "+role, pages, 20)
	}
	for _, readOnly := range []bool{true, false} {
		link, err := operator.CreatePortalLink(t.Context(), client.PortalLinkRequest{Name: "carla", ReadOnly: &readOnly})
		if err != nil {
			t.Fatal(err)
		}
		kind := map[bool]string{true: "the read-only portal", false: "the portal"}[readOnly]
		c["link token of "+kind] = path.Base(link.URL)
		b := newBrowser(t, s)
		followed, answer := b.do(t, http.MethodGet, "/portal/enter/"+path.Base(link.URL), nil)
		if followed != http.StatusOK {
			t.Fatalf("follow the link: %d %s", followed, answer)
		}
		c["session token of "+kind] = b.cookies(t)
		if readOnly {
			add(kind, b.crawl(t, "/portal/"), 10)
		}
		_, again := newBrowser(t, s).do(t, http.MethodGet, "/portal/enter/"+path.Base(link.URL), nil)
		outputs["the second try of a link to "+kind] = again
	}
	_, wrong := newBrowser(t, s).do(t, http.MethodPost, "/login", url.Values{"name": {"viewer"}, "password": {c["password"] + "!"}})
	outputs["a failed sign-in"] = wrong
	return outputs
}
