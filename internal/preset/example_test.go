package preset_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/preset"
)

// TestExamplePrograms runs the programs that the pages of docs/systems show against
// a real server, and looks at what a receiver gets of each.
func TestExamplePrograms(t *testing.T) {
	for _, program := range []struct {
		preset  string
		command []string
		body    string // of the delivery, as document writes it
	}{
		{
			"vikunja", []string{"go", "run", "vikunja.go"},
			`{"event_name":"task.created","time":"2026-03-02T10:14:05.871203411+01:00","data":{"doer":{"id":1,"username":"anna"},"project":{"id":4,"title":"Website \u0026 shop"},"task":{"done":false,"id":1234567,"project_id":4,"title":"Ring \u003cevery\u003e endpoint"}}}`,
		},
		{
			"wireguard-portal", []string{"go", "run", "wireguard_portal.go"},
			`{"event":"disconnect","entity":"peer","identifier":"cGVlciBwdWJsaWMga2V5IG9mIGFuIGV4YW1wbGUuLi4=","payload":{"PeerId":"cGVlciBwdWJsaWMga2V5IG9mIGFuIGV4YW1wbGUuLi4=","IsConnected":false,"BytesReceived":9007199254740993,"BytesTransmitted":2884,"Endpoint":"198.51.100.77:58756"}}`,
		},
		{
			"dejacode", []string{"python3", "dejacode.py"},
			`{"hook": {"uuid": "22c9203f-e90b-4135-a142-583ef4f41e72", "event": "request.added", "target": "{{url}}"}, "data": {"uuid": "5b2f7c1e-2f0a-4d57-9a54-0d0d8a1f6c11", "title": "Review the licence of zlib \u2013 <new> version", "status": "open", "requester": "mika", "comments": [], "dataspace": "Example"}}`,
		},
		{
			"workspace", []string{"node", "workspace.mjs"},
			`{"event":"task.completed","timestamp":"2026-03-05T16:00:00Z","webhook_id":"{{webhook id}}","data":{"id":"task_7Qm2","title":"Publish the price list <v2> & tell “everyone”","status":"done","project_id":"project_3Fk9","completed_at":"2026-03-05T16:00:00Z","completed_by":"user_b41"}}`,
		},
	} {
		t.Run(program.preset, func(t *testing.T) {
			if _, err := exec.LookPath(program.command[0]); err != nil {
				t.Skipf("%s is not on this machine: the example was not run", program.command[0])
			}
			p, _ := preset.Lookup(program.preset)
			c, address := startServer(t)
			if _, err := p.Apply(t.Context(), c, preset.ApplyOptions{Tenant: "acme"}); err != nil {
				t.Fatal(err)
			}
			c = c.ForTenant("acme")
			receiver := startReceiver(t)
			hook := createWebhook(t, c, p, receiver)

			out := runExample(t, program.command, address)
			if !strings.Contains(out, "goes to 1 webhooks") {
				t.Errorf("the program says %q", out)
			}
			got := receiver.next(t)
			verify(t, p, hook, got)
			_, body, _ := strings.Cut(string(document(p, hook, got)), "\n\n")
			if strings.TrimSuffix(body, "\n") != program.body {
				t.Errorf("body:\n%s\nwant:\n%s", body, program.body)
			}
		})
	}
}

func runExample(t *testing.T, command []string, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience) // the Go ones are compiled
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = filepath.Join("..", "..", "docs", "systems", "examples")
	cmd.Env = append(cmd.Environ(), "PEAL_URL="+address, "PEAL_KEY="+operatorKey, "PEAL_TENANT=acme")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}
