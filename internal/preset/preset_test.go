package preset_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/preset"
	"github.com/pealhq/peal/wire"
)

func TestNames(t *testing.T) {
	want := []string{"dejacode", "vikunja", "wireguard-portal", "workspace"}
	if diff := cmp.Diff(want, preset.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range want {
		if p, ok := preset.Lookup(name); !ok || p.Name != name {
			t.Errorf("Lookup(%q) gives %v, %v", name, p, ok)
		}
	}
	if _, ok := preset.Lookup("nobody"); ok {
		t.Error("Lookup finds a preset that does not exist")
	}
}

// TestCatalogues holds every preset to the events that its system is known to have.
func TestCatalogues(t *testing.T) {
	want := map[string][]string{
		"dejacode": {
			"request.added", "request.updated", "request_comment.added", "user.added_or_updated", "user.locked_out",
			"vulnerability.data_update",
		},
		"vikunja": {
			"project.deleted", "project.shared.team", "project.shared.user", "project.updated", "task.assignee.created",
			"task.assignee.deleted", "task.attachment.created", "task.attachment.deleted", "task.comment.created",
			"task.comment.deleted", "task.comment.edited", "task.created", "task.deleted", "task.overdue",
			"task.relation.created", "task.relation.deleted", "task.reminder.fired", "task.updated", "tasks.overdue",
		},
		"wireguard-portal": {
			"interface.create", "interface.delete", "interface.update", "peer.connect", "peer.create", "peer.delete",
			"peer.disconnect", "peer.update", "peer_metric.connect", "peer_metric.disconnect", "user.create",
			"user.delete", "user.update",
		},
		"workspace": {
			"comment.created", "comment.deleted", "comment.updated", "project.archived", "project.created",
			"project.deleted", "project.updated", "task.assigned", "task.completed", "task.created", "task.deleted",
			"task.updated", "user.added", "user.removed", "user.role_changed",
		},
	}
	for _, p := range preset.All() {
		var got []string
		for _, e := range p.Events {
			got = append(got, e.Type)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want[p.Name], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Name, diff)
		}
	}
}

func TestFormatsAndPolicies(t *testing.T) {
	for _, p := range preset.All() {
		format, ok := wire.Lookup(p.Format)
		if !ok {
			t.Errorf("%s: there is no format %s", p.Name, p.Format)
			continue
		}
		policy := policyOf(p)
		if err := policy.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if format.RetryPolicy != nil && !policy.Equal(*format.RetryPolicy) {
			t.Errorf("%s retries after %v, its format after %v", p.Name, policy, *format.RetryPolicy)
		}
	}
}

// TestExamples checks every example against its schema, and that its format can
// send it and read it back.
func TestExamples(t *testing.T) {
	for _, p := range preset.All() {
		format, _ := wire.Lookup(p.Format)
		for _, e := range p.Events {
			t.Run(p.Name+"/"+e.Type, func(t *testing.T) {
				schema, err := match.CompileSchema(e.Schema)
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Check(e.Example); err != nil {
					t.Errorf("the example: %v", err)
				}
				for _, other := range []string{`{}`, `[]`, `"text"`} {
					if schema.Check(json.RawMessage(other)) == nil {
						t.Errorf("the schema takes %s", other)
					}
				}
				checkFormat(t, format, &e)
			})
		}
	}
}

func checkFormat(t *testing.T, format *wire.Format, e *preset.Event) {
	t.Helper()
	at, err := peal.ParseTimestamp(e.Time)
	if err != nil {
		t.Fatal(err)
	}
	event := &peal.Event{ID: "e-1", Type: e.Type, Subject: e.Subject, Time: at, Data: e.Example}
	if err := event.Validate(peal.DefaultMaxData); err != nil {
		t.Fatal(err)
	}
	hook := &peal.Webhook{ID: peal.NewWebhookID(), URL: "https://receiver.example/hook", Format: format.Name}
	if secret := format.NewSecret(); secret != "" {
		hook.Secrets = []peal.Secret{{Value: secret}}
	}
	request, err := format.Request(&wire.Input{Event: event, Webhook: hook, DeliveryID: peal.NewDeliveryID()})
	if err != nil {
		t.Fatal(err)
	}
	back, err := format.Decode(request.Header, request.Body)
	if err != nil {
		t.Fatal(err)
	}
	if back.Type != e.Type {
		t.Errorf("read back as type %s", back.Type)
	}
	if format.Name == "wireguard-portal" && back.Subject != e.Subject {
		t.Errorf("read back with subject %q", back.Subject)
	}
	if diff := cmp.Diff(value(t, e.Example), value(t, back.Data)); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// TestCapturesFit checks what the real systems sent against the schemas.
func TestCapturesFit(t *testing.T) {
	files, err := filepath.Glob("../../wire/testdata/captures/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var capture struct {
				System string
				Event  struct{ Type, Data string }
			}
			if err := json.Unmarshal(content, &capture); err != nil {
				t.Fatal(err)
			}
			p, ok := preset.Lookup(capture.System)
			if !ok {
				t.Fatalf("no preset %s", capture.System)
			}
			e, ok := p.Event(capture.Event.Type)
			if !ok {
				t.Fatalf("%s has no event %s", p.Name, capture.Event.Type)
			}
			schema, err := match.CompileSchema(e.Schema)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Check(json.RawMessage(capture.Event.Data)); err != nil {
				t.Error(err)
			}
		})
	}
}

// value decodes JSON with its numbers as they are written.
func value(t *testing.T, text json.RawMessage) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
