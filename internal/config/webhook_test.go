package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
)

const everyField = `
webhooks:
  - name: portal
    tenant: vpn
    url: https://receiver.example/hook
    events: [peer.*, interface.create]
    format: wireguard-portal
    secret: ` + key + `
    authorization: Bearer ` + key + `
    headers: {X-Key: "{{TOKEN}}", X-Number: 7}
    extra_payload: {b: 1.50, a: [true, null, 0x10, "<1>", 2026-03-04], "nested": {x: 9007199254740993}}
    uuid: 3f1c
    retry_policy: {delays_seconds: [1, 2.5], disable_after_seconds: 60}
    timeout_ms: 5000
    rate_limit: {per_second: 0.5}
    handshake: true
    filter: data.a == "b" && data.n > 1
    transform: |
      .data
    description: for the office
    status: paused
  - {name: second, url: https://other.example/, events: "*"}
`

func TestLoadWebhooks(t *testing.T) {
	loaded, err := config.Load(config.Sources{File: write(t, everyField)})
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded.Webhooks) != 2 || loaded.Webhooks[0].Name != "portal" || loaded.Webhooks[1].Name != "second" {
		t.Fatalf("got %d webhooks", len(loaded.Webhooks))
	}
	want := peal.Webhook{
		Tenant: "vpn", URL: "https://receiver.example/hook", Events: []string{"peer.*", "interface.create"}, Format: "wireguard-portal",
		Secrets: []peal.Secret{{Value: key}}, Authorization: "Bearer " + key,
		Headers:      map[string]string{"X-Key": "{{TOKEN}}", "X-Number": "7"},
		ExtraPayload: json.RawMessage(`{"b":1.50,"a":[true,null,16,"<1>","2026-03-04"],"nested":{"x":9007199254740993}}`),
		UUID:         "3f1c", Timeout: 5 * time.Second, RateLimit: &peal.RateLimit{PerSecond: 0.5, Burst: 1}, Handshake: true,
		Filter: `data.a == "b" && data.n > 1`, Transform: ".data\n", Description: "for the office", Status: peal.Paused,
	}
	got := loaded.Webhooks[0].Settings
	if got.Secrets[0].Value != key {
		t.Error("the secret is another")
	}
	if string(got.ExtraPayload) != string(want.ExtraPayload) {
		t.Errorf("extra payload %s", got.ExtraPayload)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(peal.Webhook{URL: "https://other.example/", Events: []string{"*"}}, loaded.Webhooks[1].Settings); diff != "" {
		t.Errorf("the second (-want +got):\n%s", diff)
	}
	if loaded.Webhooks[1].Policy != nil {
		t.Error("an entry without retry_policy changes it")
	}
	policy := loaded.Webhooks[0].Policy(peal.RetryPolicy{Delays: []time.Duration{time.Hour}, Jitter: 0.3, DisableAfterExhausted: 7})
	if wantPolicy := (peal.RetryPolicy{Delays: []time.Duration{time.Second, 2500 * time.Millisecond}, Jitter: 0.3, DisableAfterExhausted: 7, DisableAfterFailing: time.Minute}); !policy.Equal(wantPolicy) {
		t.Errorf("policy %+v, want %+v", policy, wantPolicy)
	}
}

// Nothing was said of webhooks without a file; with one, there are none.
func TestLoadWithoutWebhooks(t *testing.T) {
	t.Chdir(t.TempDir())
	if loaded, err := config.Load(config.Sources{}); err != nil || loaded.Webhooks != nil {
		t.Errorf("without a file: %v, %v", loaded.Webhooks, err)
	}
	for _, content := range []string{"", "dev: true", "webhooks:", "webhooks: []"} {
		if loaded, err := config.Load(config.Sources{File: write(t, content)}); err != nil || loaded.Webhooks == nil || len(loaded.Webhooks) != 0 {
			t.Errorf("%q: %v, %v", content, loaded.Webhooks, err)
		}
	}
}

func TestWebhookSecretsFromElsewhere(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := write(t, "webhooks:\n- name: a\n  secret_file: "+secret+"\n  authorization_env: TOKEN\n- name: b\n  secret_env: TOKEN\n  authorization_file: "+secret)
	loaded, err := config.Load(config.Sources{File: path, Env: environment(map[string]string{"TOKEN": "Bearer x"})})
	if err != nil {
		t.Fatal(err)
	}
	a, b := loaded.Webhooks[0].Settings, loaded.Webhooks[1].Settings
	if a.Secrets[0].Value != key || a.Authorization != "Bearer x" || b.Secrets[0].Value != "Bearer x" || b.Authorization != key {
		t.Error("the values are others")
	}
	got := loaded.Explain(peal.Invalidf("webhooks[0].secret", "is weak")).Error()
	if want := path + ":3: webhooks[0].secret: is weak"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoadRefusesWebhooks(t *testing.T) {
	const good = "webhooks:\n- name: a\n  url: https://x.example/\n  "
	const nowhere = "/nowhere/at-all"
	for name, test := range map[string]struct{ file, want string }{
		"the portal's own key":   {"webhook:\n  url: https://x.example/", "FILE:1: webhook: is not a setting; did you mean webhooks?"},
		"a mapping":              {"webhooks:\n  url: x", `FILE:2: webhooks: must be a list, each entry as "- name: value"`},
		"an entry that is text":  {"webhooks: [a]", `FILE:1: webhooks[0]: must be the settings of a webhook, each as "name: value"`},
		"no name":                {"dev: true\nwebhooks:\n- url: x", "FILE:3: webhooks[0].name: is missing; name the entry uniquely"},
		"an empty entry":         {"webhooks:\n- name: a\n-", `webhooks[1]: must be the settings of a webhook, each as "name: value"`},
		"a name twice":           {"webhooks:\n- name: a\n- name: b\n\n- name: a", "FILE:5: webhooks[2].name: is the name of the entry in line 2, too; choose another"},
		"webhooks twice":         {"webhooks: []\nwebhooks: []", "FILE:2: webhooks: is a duplicate of the one in line 1"},
		"a field twice":          {good + "url: y", "FILE:4: webhooks[0].url: is a duplicate of the one in line 3"},
		"unknown field":          {good + "event: y", "FILE:4: webhooks[0].event: is not a setting of a webhook; did you mean events?"},
		"timeout":                {good + "timeout: 10s", "FILE:4: webhooks[0].timeout: is not a setting of a webhook; did you mean timeout_ms?"},
		"far-off field":          {good + "authentication: y", "FILE:4: webhooks[0].authentication: is not a setting of a webhook; docs/configuration.md lists them"},
		"no value":               {good + "filter:", "FILE:4: webhooks[0].filter: has no value: give one or take the line out"},
		"empty value":            {good + `filter: ""`, "FILE:4: webhooks[0].filter: is empty: give a value or take the line out"},
		"list for a text":        {good + "format: [a]", "FILE:4: webhooks[0].format: must be a text"},
		"mapping for events":     {good + "events: {a: b}", "FILE:4: webhooks[0].events: must be a list of event types or patterns, or a single one"},
		"mapping within events":  {good + "events:\n  - a\n  - {b: c}", "FILE:6: webhooks[0].events[1]: must be a text"},
		"unquoted *":             {good + "events: *", "is not valid YAML: did not find expected alphabetic or numeric character"},
		"timeout with unit":      {good + "timeout_ms: 10s", "FILE:4: webhooks[0].timeout_ms: must be a whole number"},
		"timeout of nothing":     {good + "timeout_ms: 0", "FILE:4: webhooks[0].timeout_ms: must be from 1000 to 60000"},
		"switch":                 {good + "handshake: yes", "FILE:4: webhooks[0].handshake: must be true or false"},
		"rate limit":             {good + "rate_limit: 5", `FILE:4: webhooks[0].rate_limit: must be per_second and burst, each as "name: value"`},
		"rate":                   {good + "rate_limit: {per_second: .nan}", "FILE:4: webhooks[0].rate_limit.per_second: must be a number"},
		"burst":                  {good + "rate_limit:\n    burst: 1.5", "FILE:5: webhooks[0].rate_limit.burst: must be a whole number"},
		"policy's field":         {good + "retry_policy:\n    delay_seconds: [1]", "FILE:5: webhooks[0].retry_policy.delay_seconds: is not a setting of a webhook; did you mean delays_seconds?"},
		"delays":                 {good + "retry_policy: {delays_seconds: 5}", "FILE:4: webhooks[0].retry_policy.delays_seconds: must be a list of seconds"},
		"a delay":                {good + "retry_policy: {delays_seconds: [1, 5s]}", "FILE:4: webhooks[0].retry_policy.delays_seconds[1]: must be a number"},
		"headers as a list":      {good + "headers: [" + key + "]", "FILE:4: webhooks[0].headers: must be names of headers and their values"},
		"a header twice":         {good + "headers:\n    A: " + key + "\n    A: x", "FILE:6: webhooks[0].headers.A: is a duplicate of the one in line 5"},
		"a header as a list":     {good + "headers:\n    A: [" + key + "]", "FILE:5: webhooks[0].headers.A: must be a text"},
		"extra payload":          {good + "extra_payload: [1]", "FILE:4: webhooks[0].extra_payload: must be names and values"},
		"extra payload's number": {good + "extra_payload:\n    a: .inf", "FILE:5: webhooks[0].extra_payload.a: is not a number that JSON can represent"},
		"extra payload twice":    {good + "extra_payload:\n    a: {b: 1,\n     b: 2}", "FILE:6: webhooks[0].extra_payload.a.b: is a duplicate of the one in line 5"},
		"extra payload's merge":  {good + "extra_payload:\n    <<: {a: 1}", "FILE:5: webhooks[0].extra_payload: must have texts as names"},
		"extra payload's end":    {good + "extra_payload: &a\n    a: *a", "webhooks[0].extra_payload" + strings.Repeat(".a", 101) + ": is nested too deeply or is too large: at most 100 levels and 65536 bytes"},
		"secret as a list":       {good + "secret: [" + key + "]", "FILE:4: webhooks[0].secret: must be a text"},
		"two secrets":            {good + "secret: " + key + "\n  secret_env: SECRET", "FILE:5: webhooks[0].secret_env: is given, and so is secret: give one of them"},
		"secret file missing":    {good + "secret_file: " + nowhere, "FILE:4: webhooks[0].secret_file: names a file that cannot be read: open " + nowhere + ": no such file or directory"},
		"secret file empty":      {good + "secret_file: " + os.DevNull, "FILE:4: webhooks[0].secret_file: names a file that is empty: " + os.DevNull},
		"variable not set":       {good + "authorization_env: NONE", "FILE:4: webhooks[0].authorization_env: names a variable that is not set: NONE"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, test.file)
			_, err := config.Load(config.Sources{File: path, Env: environment(map[string]string{"SECRET": key})})
			if err == nil {
				t.Fatal("was accepted")
			}
			got := strings.ReplaceAll(err.Error(), path, "FILE")
			if !strings.HasSuffix(got, test.want) || !strings.HasPrefix(got, "FILE") {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if strings.Contains(got, key) {
				t.Errorf("the error shows a secret: %s", got)
			}
		})
	}
}

// What only the server can tell is explained with the narrowest place.
func TestExplainWebhooks(t *testing.T) {
	path := write(t, everyField)
	loaded, err := config.Load(config.Sources{File: path})
	if err != nil {
		t.Fatal(err)
	}
	for field, line := range map[string]int{
		"webhooks[0]": 3, "webhooks[0].url": 5, "webhooks[0].events[1]": 6, "webhooks[0].headers.X-Key": 10, "webhooks[0].headers.Other": 10,
		"webhooks[0].retry_policy.jitter": 13, "webhooks[1].filter": 22, "webhooks[1].url": 22,
	} {
		if got, want := loaded.Explain(peal.Invalidf(field, "x")).Error(), fmt.Sprintf("%s:%d: %s: x", path, line, field); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSettingsOfWebhooks(t *testing.T) {
	path := write(t, everyField)
	loaded, err := config.Load(config.Sources{File: path})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range loaded.Settings() {
		if strings.HasPrefix(s.Name, "webhooks") {
			got = append(got, fmt.Sprintf("%s = %s (%s)", s.Name, s.Value, strings.ReplaceAll(s.Origin, path, "FILE")))
		}
	}
	for _, want := range []string{
		"webhooks[0].name = portal (FILE:3)",
		"webhooks[0].events = peer.*,interface.create (FILE:6)",
		"webhooks[0].secret = [redacted] (FILE:8)",
		"webhooks[0].authorization = [redacted] (FILE:9)",
		"webhooks[0].headers.X-Key = [redacted] (FILE:10)",
		"webhooks[0].retry_policy.delays_seconds = 1,2.5 (FILE:13)",
		"webhooks[1].url = https://other.example/ (FILE:22)",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not among\n%s", want, strings.Join(got, "\n"))
		}
	}
	if shown := strings.Join(got, "\n"); strings.Contains(shown, key) || strings.Contains(shown, "TOKEN") {
		t.Errorf("a secret is shown:\n%s", shown)
	}
}

func TestChanged(t *testing.T) {
	before, err := config.Load(config.Sources{File: write(t, "egress: {allow: [10.0.0.0/8]}\nvariables: {A: x}")})
	if err != nil {
		t.Fatal(err)
	}
	after, err := config.Load(config.Sources{File: write(t, "egress: {allow: [10.0.0.0/8]}\nvariables: {A: y}\nlog: {level: debug}\nwebhooks: []")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"variables", "log.level"}, before.Changed(after)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if same := before.Changed(before); same != nil {
		t.Errorf("nothing has changed, got %v", same)
	}
}
