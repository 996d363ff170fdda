package peal_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// limit is a change to something valid, and the field that it makes invalid; ""
// for a change that keeps it valid.
type limit[T any] struct {
	name   string
	change func(*T)
	field  string
}

// checkLimits applies each change to a fresh value.
func checkLimits[T any](t *testing.T, fresh func() T, validate func(*T) error, limits []limit[T]) {
	t.Helper()
	good := fresh()
	if err := validate(&good); err != nil {
		t.Fatalf("without a change: %v", err)
	}
	for _, limit := range limits {
		value := fresh()
		limit.change(&value)
		err := validate(&value)
		if limit.field == "" {
			if err != nil {
				t.Errorf("%s: %v", limit.name, err)
			}
			continue
		}
		if field := fieldOf(t, limit.name, err); field != limit.field {
			t.Errorf("%s: field %q (%v), want %q", limit.name, field, err, limit.field)
		}
	}
}

func text(length int) string { return strings.Repeat("x", length) }

func TestEventLimits(t *testing.T) {
	fresh := func() peal.Event { return peal.Event{Type: "task.created", Data: json.RawMessage(`{}`)} }
	type change = limit[peal.Event]
	checkLimits(t, fresh, func(e *peal.Event) error { return e.Validate(10) }, []change{
		{"longest type", func(e *peal.Event) { e.Type = text(peal.MaxTypeLength) }, ""},
		{"too long a type", func(e *peal.Event) { e.Type = text(peal.MaxTypeLength + 1) }, "type"},
		{"no type", func(e *peal.Event) { e.Type = "" }, "type"},
		{"all characters of a type", func(e *peal.Event) { e.Type = "azAZ09_-.0" }, ""},
		{"a type of dots", func(e *peal.Event) { e.Type = ".a" }, "type"},
		{"a type that ends with a dot", func(e *peal.Event) { e.Type = "a." }, "type"},
		{"a wildcard", func(e *peal.Event) { e.Type = "a.*" }, "type"},
		{"a slash in the type", func(e *peal.Event) { e.Type = "a/b" }, "type"},
		{"a line break in the type", func(e *peal.Event) { e.Type = "a\n" }, "type"},
		{"longest id", func(e *peal.Event) { e.ID = text(peal.MaxEventIDLength) }, ""},
		{"too long an id", func(e *peal.Event) { e.ID = text(peal.MaxEventIDLength + 1) }, "id"},
		{"first and last character of an id", func(e *peal.Event) { e.ID = "!~" }, ""},
		{"a space in the id", func(e *peal.Event) { e.ID = "a b" }, "id"},
		{"a delete character in the id", func(e *peal.Event) { e.ID = "\x7f" }, "id"},
		{"longest subject", func(e *peal.Event) { e.Subject = text(1024) }, ""},
		{"too long a subject", func(e *peal.Event) { e.Subject = text(1025) }, "subject"},
		{"a null in the subject", func(e *peal.Event) { e.Subject = "\x00" }, "subject"},
		{"no data", func(e *peal.Event) { e.Data = nil }, "data"},
		{"empty data", func(e *peal.Event) { e.Data = json.RawMessage{} }, "data"},
		{"data of white space", func(e *peal.Event) { e.Data = json.RawMessage("  ") }, "data"},
		{"largest data", func(e *peal.Event) { e.Data = json.RawMessage(`"12345678"`) }, ""},
	})
	large := fresh()
	large.Data = json.RawMessage(`"123456789"`)
	if err := large.Validate(10); peal.CodeOf(err) != peal.TooLarge || !strings.HasPrefix(err.Error(), "data: is 11 bytes, at most 10") {
		t.Errorf("too large data: %v", err)
	}
}

// Data that took the place of data that was checked is checked too.
func TestReplacedDataIsValidatedAgain(t *testing.T) {
	event, err := peal.ParseEvent([]byte(`{"type":"a","data":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	event.Data = json.RawMessage(`{"`)
	if err := event.Validate(100); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("broken data: %v", err)
	}
	event.Data = json.RawMessage(`[1]`)
	if err := event.Validate(100); err != nil {
		t.Error(err)
	}
	event.Data = event.Data[:2]
	if err := event.Validate(100); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("shortened data: %v", err)
	}
}

func TestSameContent(t *testing.T) {
	at := func(text string) peal.Timestamp {
		parsed, err := peal.ParseTimestamp(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	first := peal.Event{Type: "a", Subject: "s", Data: json.RawMessage(`{"n": 1}`), Time: at("2026-11-21T09:30:00Z")}
	tests := []struct {
		change    func(*peal.Event)
		timeGiven bool
		want      bool
	}{
		{func(*peal.Event) {}, true, true},
		{func(e *peal.Event) { e.ID, e.Key = "x", peal.NewEventKey() }, true, true},
		{func(e *peal.Event) { e.Type = "b" }, true, false},
		{func(e *peal.Event) { e.Subject = "" }, true, false},
		{func(e *peal.Event) { e.Data = json.RawMessage(`{"n":1}`) }, true, false},
		{func(e *peal.Event) { e.Time = at("2026-11-21T09:30:01Z") }, true, false},
		{func(e *peal.Event) { e.Time = at("2026-11-21T09:30:01Z") }, false, true},
	}
	for i, test := range tests {
		repeat := first
		test.change(&repeat)
		if got := first.SameContent(&repeat, test.timeGiven); got != test.want {
			t.Errorf("case %d: %v", i, got)
		}
	}
}

func TestEventTypeLimits(t *testing.T) {
	fresh := func() peal.EventType { return peal.EventType{Name: "task.created"} }
	sized := func(n int) json.RawMessage { return json.RawMessage(`"` + text(n-2) + `"`) }
	type change = limit[peal.EventType]
	checkLimits(t, fresh, (*peal.EventType).Validate, []change{
		{"no name", func(e *peal.EventType) { e.Name = "" }, "type"},
		{"longest description", func(e *peal.EventType) { e.Description = text(peal.MaxDescription) }, ""},
		{"too long a description", func(e *peal.EventType) { e.Description = text(peal.MaxDescription + 1) }, "description"},
		{"largest schema and example", func(e *peal.EventType) { e.Schema, e.Example = sized(64<<10), sized(64<<10) }, ""},
		{"too large a schema", func(e *peal.EventType) { e.Schema = sized(64<<10 + 1) }, "schema"},
		{"too large an example", func(e *peal.EventType) { e.Example = sized(64<<10 + 1) }, "example"},
		{"a broken schema", func(e *peal.EventType) { e.Schema = json.RawMessage(`{`) }, "schema"},
		{"an empty example", func(e *peal.EventType) { e.Example = json.RawMessage{} }, "example"},
	})
}

func TestTenantLimits(t *testing.T) {
	fresh := func() peal.Tenant { return peal.Tenant{Name: "acme"} }
	type change = limit[peal.Tenant]
	checkLimits(t, fresh, (*peal.Tenant).Validate, []change{
		{"longest name", func(n *peal.Tenant) { n.Name = text(peal.MaxTenantLength) }, ""},
		{"too long a name", func(n *peal.Tenant) { n.Name = text(peal.MaxTenantLength + 1) }, "tenant"},
		{"no name", func(n *peal.Tenant) { n.Name = "" }, "tenant"},
		{"all characters", func(n *peal.Tenant) { n.Name = "aZ9._-:@" }, ""},
		{"begins with a digit", func(n *peal.Tenant) { n.Name = "0" }, ""},
		{"begins with a dot", func(n *peal.Tenant) { n.Name = ".a" }, "tenant"},
		{"begins with @", func(n *peal.Tenant) { n.Name = "@a" }, "tenant"},
		{"a space", func(n *peal.Tenant) { n.Name = "a b" }, "tenant"},
		{"a slash", func(n *peal.Tenant) { n.Name = "a/b" }, "tenant"},
		{"a letter beyond ASCII", func(n *peal.Tenant) { n.Name = "ä" }, "tenant"},
		{"too long a description", func(n *peal.Tenant) { n.Description = text(peal.MaxDescription + 1) }, "description"},
		{"a bad policy", func(n *peal.Tenant) { n.RetryPolicy = &peal.RetryPolicy{Jitter: 1} }, "retry_policy.jitter"},
	})
}

func TestKeyLimits(t *testing.T) {
	fresh := func() peal.APIKey {
		return peal.APIKey{Tenant: "acme", Name: "ci", Scopes: []peal.KeyScope{peal.ScopePublish, peal.ScopeManage, peal.ScopeRead}}
	}
	type change = limit[peal.APIKey]
	checkLimits(t, fresh, (*peal.APIKey).Validate, []change{
		{"longest name", func(k *peal.APIKey) { k.Name = text(128) }, ""},
		{"too long a name", func(k *peal.APIKey) { k.Name = text(129) }, "name"},
		{"no name", func(k *peal.APIKey) { k.Name = "" }, "name"},
		{"no scopes", func(k *peal.APIKey) { k.Scopes = nil }, "scopes"},
		{"no scopes of an operator", func(k *peal.APIKey) { k.Tenant, k.Scopes = "", nil }, ""},
		{"metrics of a tenant", func(k *peal.APIKey) { k.Scopes = []peal.KeyScope{peal.ScopeMetrics} }, "scopes"},
		{"metrics alone", func(k *peal.APIKey) { k.Tenant, k.Scopes = "", []peal.KeyScope{peal.ScopeMetrics} }, ""},
		{"metrics among others", func(k *peal.APIKey) { k.Tenant, k.Scopes = "", []peal.KeyScope{peal.ScopeRead, peal.ScopeMetrics} }, "scopes"},
		{"scopes of an operator", func(k *peal.APIKey) { k.Tenant = "" }, "scopes"},
		{"an unknown scope", func(k *peal.APIKey) { k.Scopes[1] = "write" }, "scopes[1]"},
	})
}

func TestKeyTexts(t *testing.T) {
	one, other := peal.NewKeyText(), peal.NewKeyText()
	if one == other || len(one) < peal.MinKeyLength || !strings.HasPrefix(one, "peal_") || peal.HashKey(one) == peal.HashKey(other) {
		t.Errorf("two keys: %s and %s", one, other)
	}
}

func TestPolicyLimits(t *testing.T) {
	fresh := func() peal.RetryPolicy { return peal.DefaultRetryPolicy() }
	type change = limit[peal.RetryPolicy]
	type policy = peal.RetryPolicy
	checkLimits(t, fresh, func(p *policy) error { return p.Validate() }, []change{
		{"no delays", func(p *policy) { p.Delays = nil }, ""},
		{"most delays", func(p *policy) { p.Delays = make([]time.Duration, 50) }, ""},
		{"too many delays", func(p *policy) { p.Delays = make([]time.Duration, 51) }, "retry_policy.delays_seconds"},
		{"longest delay", func(p *policy) { p.Delays[2] = 7 * 24 * time.Hour }, ""},
		{"too long a delay", func(p *policy) { p.Delays[2] = 7*24*time.Hour + 1 }, "retry_policy.delays_seconds[2]"},
		{"a delay below 0", func(p *policy) { p.Delays[0] = -1 }, "retry_policy.delays_seconds[0]"},
		{"most jitter", func(p *policy) { p.Jitter = 0.5 }, ""},
		{"too much jitter", func(p *policy) { p.Jitter = math.Nextafter(0.5, 1) }, "retry_policy.jitter"},
		{"jitter below 0", func(p *policy) { p.Jitter = -0.1 }, "retry_policy.jitter"},
		{"jitter that is no number", func(p *policy) { p.Jitter = math.NaN() }, "retry_policy.jitter"},
		{"most exhausted", func(p *policy) { p.DisableAfterExhausted = 1e6 }, ""},
		{"too many exhausted", func(p *policy) { p.DisableAfterExhausted = 1e6 + 1 }, "retry_policy.disable_after_exhausted"},
		{"exhausted below 0", func(p *policy) { p.DisableAfterExhausted = -1 }, "retry_policy.disable_after_exhausted"},
		{"longest failing", func(p *policy) { p.DisableAfterFailing = 365 * 24 * time.Hour }, ""},
		{"too long failing", func(p *policy) { p.DisableAfterFailing = 365*24*time.Hour + 1 }, "retry_policy.disable_after_seconds"},
		{"failing below 0", func(p *policy) { p.DisableAfterFailing = -1 }, "retry_policy.disable_after_seconds"},
	})
}

func TestPatternLimits(t *testing.T) {
	many := make([]string, peal.MaxPatterns+1)
	for i := range many {
		many[i] = fmt.Sprintf("a.%d", i)
	}
	for _, good := range [][]string{
		{"*"}, {"task.created"}, {"task.*"}, {"task.comment.*"}, {"T_-9"}, many[1:], {text(peal.MaxTypeLength)}, {text(peal.MaxTypeLength) + ".*"}, {"a", "a"},
	} {
		if err := peal.ValidatePatterns(good); err != nil {
			t.Errorf("%.40q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "**", "*.*", ".*", "task*", "*.created", "task.*.created", "task.", "task..created", "task.**", "ta sk", "täsk", text(peal.MaxTypeLength + 1)} {
		if field := fieldOf(t, bad, peal.ValidatePatterns([]string{"*", bad})); field != "events[1]" {
			t.Errorf("%q: field %q", bad, field)
		}
	}
	if fieldOf(t, "none", peal.ValidatePatterns(nil)) != "events" || fieldOf(t, "too many", peal.ValidatePatterns(many)) != "events" {
		t.Error("the number of patterns")
	}
}

func TestMatchPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, eventType string
		want               bool
	}{
		{"*", "task", true}, {"*", "task.comment.edited", true}, {"task.created", "task.created", true}, {"task.created", "task.created.x", false},
		{"task.created", "Task.created", false}, {"task.*", "task.created", true}, {"task.*", "task.comment.edited", true}, {"task.*", "task", false},
		{"task.*", "tasks.overdue", false}, {"task.comment.*", "task.comment", false}, {"task.comment.*", "task.comment.edited", true}, {"task", "task.created", false},
	} {
		if got := peal.MatchPattern(test.pattern, test.eventType); got != test.want {
			t.Errorf("MatchPattern(%q, %q) = %v", test.pattern, test.eventType, got)
		}
	}
}
