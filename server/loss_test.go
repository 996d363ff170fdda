package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

// A server that starts on an incomplete log reports it: in its own log, at /readyz, and to those
// who see the whole server.
func TestLossIsReported(t *testing.T) {
	o := options(t)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	for range 20 {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "loss.test", Data: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	killed := options(t)
	for _, name := range []string{"peal.db", "peal.db-wal", "peal.db.state", "encryption.key"} { // as a kill leaves them
		content, err := os.ReadFile(filepath.Join(o.Data, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "peal.db-wal" {
			content = content[:len(content)/2]
		}
		if err := os.WriteFile(filepath.Join(killed.Data, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	killed.Log = slog.New(slog.NewJSONHandler(&log, nil))
	again, err := server.New(t.Context(), killed)
	if err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, `"level":"ERROR"`) || !strings.Contains(text, "is cut or damaged") {
		t.Errorf("the log is %s", text)
	}
	if err := again.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	killed.Log = nil
	third := start(t, killed) // also after the next start
	const sentence = "acknowledged changes are missing from the database"
	awaitReady(t, third)
	if status, body := readiness(t, third); status != http.StatusOK || !strings.Contains(body, sentence) || strings.Contains(body, killed.Data) {
		t.Errorf("readyz answers %d %s", status, body)
	}
	if status, body := readiness(t, s); status != http.StatusOK || strings.Contains(body, "warnings") {
		t.Errorf("readyz of a server without loss answers %d %s", status, body)
	}
	operator := connect(t, "http://"+third.Addr(), operatorKey)
	const password = "a long password of the test"
	for name, sees := range map[string]bool{"everybody": true, "tenant": false} {
		if _, err := operator.CreateUser(t.Context(), client.UserCreateRequest{Name: name, Operator: &sees, UserRequest: client.UserRequest{Password: new(password), Role: new(client.RoleOwner)}}); err != nil {
			t.Fatal(err)
		}
		b := newBrowser(t, third)
		if _, page := b.do(t, http.MethodPost, "/login", url.Values{"name": {name}, "password": {password}}); strings.Contains(page, "Acknowledged changes are missing") != sees {
			t.Errorf("the first page of the owner of %s:\n%s", name, page)
		}
	}
}

func awaitReady(t *testing.T, s *server.Server) {
	t.Helper()
	wait(t, "the server is ready", func() bool {
		status, _ := readiness(t, s)
		return status == http.StatusOK
	})
}

// readiness asks whether a server is ready.
func readiness(t *testing.T, s *server.Server) (status int, body string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Get("http://" + s.Addr() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

// A server on a file that was taken away is not ready, and is when it is back.
func TestDatabaseFileTakenAway(t *testing.T) {
	o := options(t)
	s := start(t, o)
	awaitReady(t, s)
	path := filepath.Join(o.Data, "peal.db")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	for _, other := range []bool{false, true} {
		if other {
			if err := os.WriteFile(path, []byte("another file"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if status, body := readiness(t, s); status != http.StatusServiceUnavailable || !strings.Contains(body, "was removed or replaced") {
			t.Errorf("readyz answers %d %s", status, body)
		}
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if status, body := readiness(t, s); status != http.StatusOK {
		t.Errorf("readyz with the file back answers %d %s", status, body)
	}
}
