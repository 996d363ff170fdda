package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
)

// The program takes the file's webhooks over at its start and at SIGHUP.
func TestHangUpReadsTheFileAgain(t *testing.T) {
	node := &process{program: buildPeal(t), data: t.TempDir(), address: freeAddress(t)}
	oldURL, arrivals := endpoint(t)
	newURL, elsewhere := endpoint(t)
	first := "webhooks:\n  - {name: audit, url: " + oldURL + ", events: '*'}\n  - {name: chat, url: " + oldURL + ", events: none, status: paused}\n"
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(node.data, "peal.yaml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hangUp := func(content, printed string) {
		t.Helper()
		write(content)
		node.log.Reset()
		if err := node.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		node.log.await(t, printed)
	}
	write(first)
	node.start(t)
	defer func() { node.kill(t) }()
	c := connect(t, "http://"+node.address, operatorKey)
	publish(t, c)
	next(t, arrivals)
	before := all(t, c)

	hangUp("webhooks:\n  - {name: audit, url: "+newURL+", events: '*', authorization: Bearer hunter2}\n"+
		"  - {name: more, url: "+newURL+", events: none}\nlog: {level: debug}\n", "settings=log.level")
	for _, want := range []string{"created=[more] updated=[audit] removed=[chat]", "created=1 updated=1 removed=1 unchanged=0"} {
		node.log.await(t, want)
	}
	publish(t, c)
	if got := next(t, elsewhere); got.header.Get("Authorization") != "Bearer hunter2" {
		t.Errorf("Authorization: %q", got.header.Get("Authorization"))
	}
	after := all(t, c)
	if len(after) != 2 || after["*"].ID != before["*"].ID || after["none"].ID == before["none"].ID {
		t.Errorf("the webhooks %v have become %v", before, after)
	}

	// A bad file changes nothing at all, even if parts of it are valid.
	hangUp("webhooks:\n  - {name: audit, url: "+oldURL+", events: '*'}\n  - name: more\n    url: "+oldURL+"\n    events: none\n    secret: hunter2\n",
		`peal.yaml:6: webhooks[1].secret:`)
	hangUp("webhooks:\n  - {name: audit, url: "+oldURL+", events: '*'}\n  - name: more\n    filters: x\n", "peal.yaml:4: webhooks[1].filters: is not a setting of a webhook; did you mean filter?")
	if diff := cmp.Diff(after, all(t, c)); diff != "" {
		t.Errorf("a bad file has changed (-before +after):\n%s", diff)
	}
	if log := node.log.String(); strings.Contains(log, "hunter2") {
		t.Errorf("the log shows a secret:\n%s", log)
	}

	// Nor can a server start with it; a start with the first file works again.
	node.stop(t)
	serve := exec.CommandContext(t.Context(), node.program, "serve", "--listen", node.address, "--data", node.data)
	serve.Dir = node.data
	if out, err := serve.CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "peal: peal.yaml:4: webhooks[1].filters: is not a setting") {
		t.Errorf("a start with a bad file: %v\n%s", err, out)
	}
	write(first)
	node.start(t)
	publish(t, c)
	next(t, arrivals)
	if again := all(t, c); again["*"].ID != before["*"].ID {
		t.Errorf("the webhooks %v have become %v", before, again)
	}
	node.stop(t)
}

// all returns the webhooks by their first event pattern.
func all(t *testing.T, c *client.Client) map[string]client.Webhook {
	t.Helper()
	page, err := c.Webhooks(t.Context(), client.WebhooksQuery{})
	if err != nil {
		t.Fatal(err)
	}
	webhooks := make(map[string]client.Webhook)
	for _, w := range page.Data {
		if !w.Managed {
			t.Errorf("%s is not managed", w.ID)
		}
		webhooks[w.Events[0]] = w
	}
	return webhooks
}

// readAll returns the content of the files that match a pattern.
func readAll(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}
