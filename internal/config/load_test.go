package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
)

const key = "a-key-that-nobody-must-ever-see-printed"

func TestLoadWithNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	loaded, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), loaded.Config, compare); diff != "" {
		t.Errorf("not the defaults (-want +got):\n%s", diff)
	}
	if loaded.File != "" {
		t.Errorf("File = %q, none was there", loaded.File)
	}
}

func TestLoadFile(t *testing.T) {
	path := write(t, `
# a comment
listen: 127.0.0.1:0
max_data: 1MiB
dev: true
stop_grace: 5s
variables:
  CHAT_TOKEN: s3cret
  NUMBER: 42
retry_policy:
  delays: [1s, 2m]
  jitter: 0
egress:
  allow:
    - 10.1.2.3/16
    - 192.168.7.1
log:
`)
	loaded, err := config.Load(config.Sources{File: path})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen = "127.0.0.1:0"
	want.MaxData = 1 << 20
	want.Dev = true
	want.StopGrace = 5 * time.Second
	want.Variables = map[string]string{"CHAT_TOKEN": "s3cret", "NUMBER": "42"}
	want.RetryPolicy.Delays = []time.Duration{time.Second, 2 * time.Minute}
	want.RetryPolicy.Jitter = 0
	want.Egress.Allow = []config.Network{network(t, "10.1.0.0/16"), network(t, "192.168.7.1/32")}
	if diff := cmp.Diff(want, loaded.Config, compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadFindsTheFileInTheWorkingDirectory(t *testing.T) {
	t.Chdir(filepath.Dir(write(t, "data: here")))
	loaded, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Data != "here" || loaded.File != config.DefaultFile {
		t.Errorf("Data = %q, File = %q", loaded.Data, loaded.File)
	}
}

func TestLoadPrecedence(t *testing.T) {
	path := write(t, "listen: 127.0.0.1:1\nmax_data: 1KiB\ndata: from-file\ndatabase: sqlite:x")
	loaded, err := config.Load(config.Sources{
		File: path,
		Env: environment(map[string]string{
			"PEAL_MAX_DATA": "2KiB", "PEAL_DATA": "from-env", "PEAL_LISTEN": "",
			"PEAL_RETRY_POLICY_DELAYS": "3s, 4m", "PEAL_EGRESS_ALLOW": "10.0.0.0/8,fd00::1",
			"PEAL_VARIABLES": `{"A": "1,2:3", "B": "x"}`, "PEAL_CHECK_SCHEMAS": "true", "PEAL_EGRESS_PORTS": "1, 1024-65535",
		}),
		Flags: map[string]string{"data": "from-flag", "database": "", "log-level": "debug"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen = "127.0.0.1:1"
	want.MaxData = 2 << 10
	want.Egress.Ports = []config.Ports{{First: 1, Last: 1}, {First: 1024, Last: 65535}}
	want.Data = "from-flag"
	want.Database = ""
	want.CheckSchemas = true
	want.RetryPolicy.Delays = []time.Duration{3 * time.Second, 4 * time.Minute}
	want.Egress.Allow = []config.Network{network(t, "10.0.0.0/8"), network(t, "fd00::1")}
	want.Variables = map[string]string{"A": "1,2:3", "B": "x"}
	want.Log.Level = "debug"
	if diff := cmp.Diff(want, loaded.Config, compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadSecretFromFile(t *testing.T) {
	path := write(t, key+"\n")
	loaded, err := config.Load(config.Sources{Env: environment(map[string]string{"PEAL_OPERATOR_KEY_FILE": path})})
	if err != nil {
		t.Fatal(err)
	}
	if loaded.OperatorKey != key {
		t.Errorf("OperatorKey = %q, want the file's content without its line end", loaded.OperatorKey)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		file  string
		env   map[string]string
		flags map[string]string
		want  string // the error's end; FILE stands for the file's path
	}{
		"unknown key":           {file: "dev: true\nlistn: x", want: "FILE:2: listn: is not a setting; did you mean listen?"},
		"far-off key":           {file: "colour: x", want: "FILE:1: colour: is not a setting; docs/configuration.md lists them"},
		"key outside its group": {file: "jitter: 0", want: "FILE:1: jitter: is not a setting; did you mean jitter under retry_policy?"},
		"unknown key in group":  {file: "log:\n  levle: x", want: "FILE:2: log.levle: is not a setting; did you mean log.level?"},
		"duplicate":             {file: "dev: true\n\ndev: false", want: "FILE:3: dev: is a duplicate of the one in line 1"},
		"duplicate in group":    {file: "log:\n  level: info\n  level: warn", want: "FILE:3: log.level: is a duplicate of the one in line 2"},
		"duplicate variable":    {file: "variables:\n  A: x\n  A: y", want: "FILE:3: variables.A: is a duplicate of the one in line 2"},
		"group twice":           {file: "log: {level: info}\nlog: {format: text}", want: "FILE:2: log: is a duplicate of the one in line 1"},
		"no value":              {file: "listen:", want: "FILE:1: listen: has no value: give one or take the line out"},
		"wrong switch":          {file: "dev: maybe", want: `FILE:1: dev: must be true or false, not "maybe"`},
		"wrong number":          {file: "\nmax_in_flight: 1.5", want: `FILE:2: max_in_flight: must be a number, not "1.5"`},
		"duration bare":         {file: "stop_grace: 30", want: `FILE:1: stop_grace: must be a duration such as 30s, 5m, 2h or 7d, not "30"`},
		"wrong size":            {file: "max_data: 1GB", want: `FILE:1: max_data: must be a size in bytes such as 300000, 256KiB or 1MiB, not "1GB"`},
		"wrong address":         {file: "egress:\n  source_address: 10.0.0.0/8", want: `FILE:2: egress.source_address: must be an address such as 10.1.2.3, not "10.0.0.0/8"`},
		"wrong ports":           {file: "egress:\n  ports: [443, 90-80]", want: "FILE:2: egress.ports: must be ports or ranges such as 443, 1024-65535"},
		"port 0 in a range":     {file: "egress:\n  ports: [0-80]", want: "FILE:2: egress.ports: must be ports or ranges such as 443, 1024-65535"},
		"wrong network":         {file: "egress:\n  allow: [10.0.0.0/99]", want: "FILE:2: egress.allow: must be networks or addresses such as 10.1.0.0/16, 10.2.3.4"},
		"list for a text":       {file: "listen: [a]", want: "FILE:1: listen: must be a text"},
		"variables as a list":   {file: "variables: [" + key + "]", want: "FILE:1: variables: must be names and their values, each a text"},
		"scalar for a group":    {file: "log: debug", want: `FILE:1: log: must be settings, each as "name: value"`},
		"not settings":          {file: "- a", want: `FILE:1: must be settings, each as "name: value"`},
		"not YAML":              {file: "dev: true\ndata: b: c", want: "FILE:2: is not valid YAML: mapping values are not allowed in this context"},
		"secret like an alias":  {file: "operator_key: *" + key, want: "is not valid YAML: a value that starts with * or & must be in quotes"},
		"merge key":             {file: "log: &l {level: info}\n<<: *l", want: "FILE:2: <<: is not a setting; docs/configuration.md lists them"},
		"two documents":         {file: "dev: true\n---\ndev: false", want: "FILE: holds more than one YAML document"},
		"log level":             {file: "log:\n  level: loud", want: "FILE:2: log.level: must be debug, info, warn or error"},

		"env number":          {env: map[string]string{"PEAL_MAX_IN_FLIGHT": "many"}, want: `PEAL_MAX_IN_FLIGHT: must be a number, not "many"`},
		"env port":            {env: map[string]string{"PEAL_EGRESS_PORTS": "80,70000"}, want: `PEAL_EGRESS_PORTS: must be ports or ranges such as 443, 1024-65535, not "80,70000"`},
		"env log format":      {env: map[string]string{"PEAL_LOG_FORMAT": "xml"}, want: "PEAL_LOG_FORMAT: must be text or json"},
		"env variables":       {env: map[string]string{"PEAL_VARIABLES": "[" + key}, want: "PEAL_VARIABLES: must be names and their values, each a text"},
		"env and file":        {env: map[string]string{"PEAL_OPERATOR_KEY": key, "PEAL_OPERATOR_KEY_FILE": "/x"}, want: "PEAL_OPERATOR_KEY: is set, and so is PEAL_OPERATOR_KEY_FILE: set one of them"},
		"secret file missing": {env: map[string]string{"PEAL_OPERATOR_KEY_FILE": "/nowhere/at-all"}, want: "PEAL_OPERATOR_KEY_FILE: names a file that cannot be read: open /nowhere/at-all: no such file or directory"},
		"secret file empty":   {env: map[string]string{"PEAL_OPERATOR_KEY_FILE": os.DevNull}, want: "PEAL_OPERATOR_KEY_FILE: names a file that is empty: " + os.DevNull},

		"flag log level": {flags: map[string]string{"log-level": "loud"}, want: "--log-level: must be debug, info, warn or error"},
		"flag duration":  {flags: map[string]string{"stop-grace": "long"}, want: `--stop-grace: must be a duration such as 30s, 5m, 2h or 7d, not "long"`},
		"secret flag":    {flags: map[string]string{"operator-key": key}, want: "--operator-key: is not the flag of a setting"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, test.file)
			_, err := config.Load(config.Sources{File: path, Env: environment(test.env), Flags: test.flags})
			if err == nil {
				t.Fatal("was accepted")
			}
			if peal.CodeOf(err) != peal.Invalid {
				t.Errorf("code %s, want invalid", peal.CodeOf(err))
			}
			got := strings.ReplaceAll(err.Error(), path, "FILE")
			if !strings.HasSuffix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if strings.Contains(got, key) {
				t.Errorf("the error shows a secret: %s", got)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := config.Load(config.Sources{File: "/nowhere/peal.yaml"})
	if err == nil || !strings.HasPrefix(err.Error(), "/nowhere/peal.yaml: the configuration file cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestExplain(t *testing.T) {
	path := write(t, "\nmax_data: 5MiB")
	loaded, err := config.Load(config.Sources{File: path})
	if err != nil {
		t.Fatal(err)
	}
	got := loaded.Explain(peal.Invalidf("max_data", "is too large")).Error()
	if want := path + ":2: max_data: is too large"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := loaded.Explain(peal.Invalidf("max_data_of", "x")).Error(); got != path+":2: max_data_of: x" {
		t.Errorf("an error about a part of the setting gave %q", got)
	}
	other := peal.Invalidf("max_database", "is wrong")
	if got := loaded.Explain(other); got != error(other) {
		t.Errorf("an error about a default came back as %v", got)
	}
}

var compare = cmp.Options{
	cmp.Comparer(func(a, b config.Network) bool { return a == b }),
	cmp.Comparer(func(a, b config.Address) bool { return a == b }),
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peal.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func network(t *testing.T, text string) config.Network {
	t.Helper()
	var n config.Network
	if err := n.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStandardVariables(t *testing.T) {
	env := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	tests := map[string]struct {
		env          map[string]string
		want, origin string
	}{
		"ours wins":       {map[string]string{"PEAL_TELEMETRY_OTLP_ENDPOINT": "http://ours", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all"}, "http://ours", "env PEAL_TELEMETRY_OTLP_ENDPOINT"},
		"traces first":    {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all"}, "http://traces", "env OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		"all":             {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all"}, "http://all", "env OTEL_EXPORTER_OTLP_ENDPOINT"},
		"switched off":    {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all", "OTEL_SDK_DISABLED": "true"}, "", ""},
		"no traces":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all", "OTEL_TRACES_EXPORTER": "none"}, "", ""},
		"ours regardless": {map[string]string{"PEAL_TELEMETRY_OTLP_ENDPOINT": "http://ours", "OTEL_SDK_DISABLED": "true"}, "http://ours", "env PEAL_TELEMETRY_OTLP_ENDPOINT"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			loaded, err := config.Load(config.Sources{Env: env(test.env)})
			if err != nil {
				t.Fatal(err)
			}
			if loaded.Telemetry.OTLPEndpoint != test.want {
				t.Errorf("got %q, want %q", loaded.Telemetry.OTLPEndpoint, test.want)
			}
			for _, s := range loaded.Settings() {
				if s.Name == "telemetry.otlp_endpoint" && test.origin != "" && s.Origin != test.origin {
					t.Errorf("it comes from %q, want %q", s.Origin, test.origin)
				}
			}
		})
	}
}
