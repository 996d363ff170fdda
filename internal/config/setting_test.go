package config_test

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/internal/config"
)

func TestSettings(t *testing.T) {
	path := write(t, "max_data: 512KiB\nencryption_key: "+key+"\nvariables: {B: "+key+", A: x}\nretry_policy: {delays: [90s]}")
	loaded, err := config.Load(config.Sources{
		File: path,
		Env: environment(map[string]string{
			"PEAL_OPERATOR_KEY": key,
			"PEAL_DATABASE":     "postgres://peal:" + key + "@db/peal",
			"PEAL_EGRESS_ALLOW": "10.0.0.0/8",
		}),
		Flags: map[string]string{"dev": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range loaded.Settings() {
		if s.Origin != "default" {
			got = append(got, fmt.Sprintf("%s = %s (%s)", s.Name, s.Value, strings.ReplaceAll(s.Origin, path, "FILE")))
		}
	}
	want := []string{
		"database = postgres://peal:xxxxx@db/peal (env PEAL_DATABASE)",
		"dev = true (flag --dev)",
		"operator_key = [redacted] (env PEAL_OPERATOR_KEY)",
		"encryption_key = [redacted] (FILE:2)",
		"max_data = 512KiB (FILE:1)",
		"retry_policy.delays = 1m30s (FILE:4)",
		"egress.allow = 10.0.0.0/8 (env PEAL_EGRESS_ALLOW)",
		"variables = A=[redacted],B=[redacted] (FILE:3)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSettingsNeverShowASecret(t *testing.T) {
	for _, database := range []string{
		"postgres://peal:" + key + "@db/peal",
		"postgres://db/peal?password=" + key,
		"postgres://peal:" + key + "@db:port/peal",
		"host=db password=" + key,
	} {
		loaded, err := config.Load(config.Sources{Env: environment(map[string]string{"PEAL_DATABASE": database})})
		if err != nil {
			t.Fatal(err)
		}
		if shown := fmt.Sprint(loaded.Settings()); strings.Contains(shown, key) {
			t.Errorf("the password of %s is shown", strings.ReplaceAll(database, key, "…"))
		}
	}
}

// Every field must have what the table needs, under names that follow from each other.
func TestOptions(t *testing.T) {
	seen := make(map[string]bool)
	for _, o := range config.Options() {
		if want := "PEAL_" + strings.ToUpper(strings.ReplaceAll(o.Name, ".", "_")); o.Env != want {
			t.Errorf("%s: its variable is %s, want %s", o.Name, o.Env, want)
		}
		if o.Doc == "" || o.Name == "" || strings.HasSuffix(o.Name, ".") {
			t.Errorf("%+v: has no doc or no name", o)
		}
		if seen[o.Name] || o.Flag != "" && seen["--"+o.Flag] {
			t.Errorf("%s: stands twice", o.Name)
		}
		seen[o.Name], seen["--"+o.Flag] = true, true
	}
	for name := range config.Texts() {
		if !seen[name] {
			t.Errorf("settings.yaml has a text for %s, which is not a setting", name)
		}
	}
	if n := leaves(reflect.TypeFor[config.Config]()); n != len(config.Options()) {
		t.Errorf("%d options for %d fields", len(config.Options()), n)
	}
}

// Each default must be accepted when it is written as the table shows it.
func TestDefaultsCanBeWritten(t *testing.T) {
	variables := make(map[string]string)
	for _, o := range config.Options() {
		variables[o.Env] = o.Default
	}
	loaded, err := config.Load(config.Sources{Env: environment(variables)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), loaded.Config, compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// leaves returns the number of settings in a type: every struct of this package that has no
// text form is a group.
func leaves(t reflect.Type) int {
	n := 0
	for i := range t.NumField() {
		field := t.Field(i).Type
		if _, isText := reflect.New(field).Interface().(encoding.TextUnmarshaler); field.Kind() == reflect.Struct && !isText {
			n += leaves(field)
		} else {
			n++
		}
	}
	return n
}

func TestUnknownVariables(t *testing.T) {
	got := config.UnknownVariables([]string{"PEAL_LISTEM=x", "PEAL_LISTEN=x", "PEAL_KEY=x", "PEAL_OPERATOR_KEY_FILE=x", "PEAL_TEST_LONG=1", "PEAL_QQQQQQ=1", "OTHER=1"})
	want := []string{"PEAL_LISTEM; did you mean PEAL_LISTEN?", "PEAL_QQQQQQ; docs/configuration.md lists them"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
