package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/internal/config"
)

// The long form of a variable says where it may go; the plain form stays valid.
func TestVariableScopes(t *testing.T) {
	secret := write(t, "from a file\n")
	const scoped = `{value: x, hosts: [chat.example.com, "*.example.org:8443"], tenants: acme}`
	wantValues := map[string]string{"PLAIN": "p", "NUMBER": "42", "SCOPED": "x", "FILE": "from a file"}
	wantScopes := map[string]config.VariableScope{
		"SCOPED": {Hosts: []string{"chat.example.com", "*.example.org:8443"}, Tenants: []string{"acme"}}, "FILE": {Tenants: []string{"a", "b"}},
	}
	inFile := "variables:\n  PLAIN: p\n  NUMBER: 42\n  SCOPED: " + scoped + "\n  FILE:\n    value_file: " + secret + "\n    tenants: [a, b]\n"
	inEnvironment := "{PLAIN: p, NUMBER: 42, SCOPED: " + scoped + ", FILE: {value_file: " + secret + ", tenants: [a, b]}}"
	for name, sources := range map[string]config.Sources{
		"file":        {File: write(t, inFile)},
		"environment": {File: write(t, "variables: {GONE: {value: y, hosts: [a]}}"), Env: environment(map[string]string{"PEAL_VARIABLES": inEnvironment})},
	} {
		loaded, err := config.Load(sources)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(wantValues, loaded.Variables); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(wantScopes, loaded.VariableScopes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, row := range loaded.Settings() {
			if row.Name == "variables.SCOPED.hosts" && row.Value != "chat.example.com,*.example.org:8443" || strings.Contains(row.Value, "from a file") {
				t.Errorf("%s shows %+v", name, row)
			}
		}
	}
	for text, want := range map[string]string{
		"{A: {hosts: [a]}}":                     "variables.A: must have value or value_file",
		"{A: {value: hush, value_file: x}}":     "variables.A: has a value_file that cannot be read",
		"{A: {value: hush, hosts: []}}":         "variables.A: must have texts",
		"{A: {value: hush, hosts: ''}}":         "variables.A: must have texts",
		"{A: {value: hush, tenants: [{a: b}]}}": "variables.A: must have texts",
		"{A: {value: hush, host: [a]}}":         `variables.A: has "host"`,
		"{A: {value: }}":                        "variables.A: has no value",
		"{A: [hush]}":                           "must be names and their values",
	} {
		for name, sources := range map[string]config.Sources{
			"file": {File: write(t, "variables: "+text)}, "environment": {Env: environment(map[string]string{"PEAL_VARIABLES": text})},
		} {
			if _, err := config.Load(sources); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%s from %s: %v", text, name, err)
			}
		}
	}
}
