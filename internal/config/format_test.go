package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
)

const formats = `formats:
  - name: tickets
    title: Ticket system
    body: |
      {a: .event.type,
       b: 1}
    body_raw: true
    content_type: text/plain
    headers:
      X-Event: "{{event.id}}"
      X-Token: Bearer very-secret
    signature:
      header: X-Signature
      algorithm: sha512
      encoding: base64
      prefix: "v1,"
      content: "{{id}}.{{body}}"
      secret_encoding: hex
    retry_policy: {delays_seconds: [1, 2.5], jitter: 0.2}
  - name: plain
    body: .event
`

func TestFormats(t *testing.T) {
	loaded, err := config.Load(config.Sources{File: write(t, formats)})
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Format{
		{
			Name: "tickets", Title: "Ticket system", Body: "{a: .event.type,\n b: 1}\n", BodyRaw: true, ContentType: "text/plain",
			Headers:   map[string]string{"X-Event": "{{event.id}}", "X-Token": "Bearer very-secret"},
			Signature: &config.FormatSignature{Header: "X-Signature", Algorithm: "sha512", Encoding: "base64", Prefix: "v1,", Content: "{{id}}.{{body}}", SecretEncoding: "hex"},
		},
		{Name: "plain", Body: ".event"},
	}
	if diff := cmp.Diff(want, loaded.Formats, cmpopts.IgnoreUnexported(config.Format{}), cmpopts.IgnoreFields(config.Format{}, "Policy")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	policy := loaded.Formats[0].Policy(peal.RetryPolicy{Delays: []time.Duration{time.Hour}, DisableAfterExhausted: 7})
	if diff := cmp.Diff(peal.RetryPolicy{Delays: []time.Duration{time.Second, 2500 * time.Millisecond}, Jitter: 0.2, DisableAfterExhausted: 7}, policy); diff != "" {
		t.Errorf("the policy (-want +got):\n%s", diff)
	}
	if loaded.Formats[1].Policy != nil {
		t.Error("a format without a policy has one")
	}
	shown := fmt.Sprint(loaded.Settings())
	for _, want := range []string{"{formats[0].name tickets ", "{formats[0].signature.algorithm sha512 ", "{formats[0].headers.X-Token [redacted] ", "{formats[1].body .event "} {
		if !strings.Contains(shown, want) {
			t.Errorf("config print shows nothing of %s", want)
		}
	}
	if strings.Contains(shown, "very-secret") {
		t.Error("config print shows what may be secret")
	}
	for field, line := range map[string]int{
		"formats[0].body": 4, "formats[0].headers.X-Token": 11, "formats[0].signature.prefix": 16, "formats[0].signature": 12, "formats[1].name": 20, "formats[1].headers": 20,
	} {
		explained := loaded.Explain(peal.Invalidf(field, "is wrong")).(*peal.Error)
		if !strings.HasSuffix(explained.Field, fmt.Sprintf(":%d: %s", line, field)) {
			t.Errorf("%s is said to be at %s, want line %d", field, explained.Field, line)
		}
	}
}

func TestFormatRefusals(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"no list":           {"formats: {name: a}", "1: formats: must be a list"},
		"no mapping":        {"formats: [a]", "1: formats[0]: must be the settings of a format"},
		"no name":           {"formats:\n  - body: .", "2: formats[0].name: is missing"},
		"a name twice":      {"formats:\n  - name: a\n  - name: a", "3: formats[1].name: is the name of the entry in line 2"},
		"an unknown name":   {"formats:\n  - name: a\n    boddy: .", "3: formats[0].boddy: is not a setting of a format; did you mean body?"},
		"in the signature":  {"formats:\n  - name: a\n    signature: {heder: X}", "3: formats[0].signature.heder: is not a setting of a format; did you mean header?"},
		"no signature":      {"formats:\n  - name: a\n    signature: sha256", "3: formats[0].signature: must be how requests are signed"},
		"a list as body":    {"formats:\n  - name: a\n    body: [1]", "3: formats[0].body: must be a text"},
		"no switch":         {"formats:\n  - name: a\n    body_raw: perhaps", "3: formats[0].body_raw: must be true or false"},
		"a header twice":    {"formats:\n  - name: a\n    headers: {X-A: a, X-A: b}", "3: formats[0].headers.X-A: is a duplicate of the one in line 3"},
		"no value":          {"formats:\n  - name: a\n    title:", "3: formats[0].title: has no value"},
		"a wrong delay":     {"formats:\n  - name: a\n    retry_policy: {delays_seconds: [soon]}", "3: formats[0].retry_policy.delays_seconds[0]: must be a number"},
		"formats misspelt":  {"formts: []", "1: formts: is not a setting; did you mean formats?"},
		"one that is empty": {"formats:\n  -", "2: formats[0]: must be the settings of a format"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Sources{File: write(t, test.file)})
			if err == nil || !strings.Contains(err.Error(), "peal.yaml:"+test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if loaded, err := config.Load(config.Sources{File: write(t, "formats:\n# - name: a")}); err != nil || len(loaded.Formats) != 0 {
		t.Errorf("a list of which everything is commented out: %v", err)
	}
}

func TestFormatsChanged(t *testing.T) {
	load := func(text string) *config.Loaded {
		loaded, err := config.Load(config.Sources{File: write(t, text)})
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	first := load(formats)
	if names := first.Changed(load(formats)); len(names) != 0 {
		t.Errorf("changed: %v", names)
	}
	for _, other := range []string{strings.Replace(formats, "2.5", "3", 1), strings.Replace(formats, "very-secret", "other", 1), ""} {
		if names := first.Changed(load(other)); len(names) != 1 || names[0] != "formats" {
			t.Errorf("changed: %v", names)
		}
	}
}
