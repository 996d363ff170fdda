package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/testkit"
)

const page = "../../docs/configuration.md"

const head = `# Configuration

<!-- Made from internal/config by "go generate ./..."; change it there. -->

A server's settings come from four places, with later ones taking precedence: the defaults below, a
file, the environment, flags. ` + "`peal config print`" + ` shows every setting with its value and its
origin, without secrets.

The file is ` + "`peal.yaml`" + ` in the working directory, or the one that ` + "`--config`" + ` or
` + "`PEAL_CONFIG`" + ` names. It is read strictly: an unknown or duplicate setting, or a value of the
wrong type, stops the start with the file's name and the line.

` + "```yaml" + `
listen: 0.0.0.0:8420
data: /var/lib/peal
egress:
  allow: [10.1.0.0/16]
variables:
  CHAT_TOKEN: a value that headers use as {{CHAT_TOKEN}}
` + "```" + `

In the environment, a setting that is set but empty counts as not set. The variable of a secret may
have ` + "`_FILE`" + ` after its name; it then names a file with the value, such as
` + "`PEAL_OPERATOR_KEY_FILE=/run/secrets/peal`" + `. Keys and variables have no flag, because other users
of a machine can read a command line.

A list is written ` + "`[a, b]`" + ` in the file and ` + "`a,b`" + ` elsewhere. A duration is written like
` + "`90s`, `5m` or `2h30m`" + `, a size like ` + "`300000`, `256KiB` or `1MiB`" + `.

## Settings
`

const webhooksHead = `
## Webhooks

Webhooks of the deployment, rather than of an application's users, can be in the file:

` + "```yaml" + `
webhooks:
  - name: audit                       # the unique name of the entry
    url: https://audit.example.com/hook
    events: [task.*, project.deleted]
    secret_file: /run/secrets/audit
  - name: chat
    tenant: acme
    url: https://chat.example.com/hook
    events: task.created
    format: slack
    headers: {X-Token: "{{CHAT_TOKEN}}"}
    retry_policy: {delays_seconds: [5, 60, 600]}
` + "```" + `

They are applied at the start and at SIGHUP: new entries are created, changed ones updated, and
those that have left the file deleted with their pending deliveries. They look like any other
webhook, are shown as ` + "`managed`" + `, and can be changed only here: the API answers 409. An entry keeps
its id, its deliveries and a secret that was created for it as long as its name and tenant stay.

All entries are checked before anything changes. At the start, an invalid one stops the start; at
SIGHUP, everything stays as it is. In both cases the log names the file, the line and the field. At
SIGHUP, the allowed targets and the proxy in ` + "`egress`" + ` are applied too, before the webhooks: they
take effect at once, and idle connections are closed. Variables and all other settings need a
restart; the log names those that have changed.

A webhook that failures of its endpoint have disabled stays so, also after a restart, until its
entry changes. To activate it again, write ` + "`status: active`" + ` into the entry, or remove that if it
is there, and send SIGHUP.

Without a configuration file, the webhooks of an earlier one stay as they are. A file without
` + "`webhooks`" + ` deletes them.

| name | meaning |
|---|---|
`

const webhooksTail = `
Their values have the limits of the API's fields, and ` + "`name`, `url` and `events`" + ` are
required. A new ` + "`secret`" + ` ends the earlier one at once. In YAML, a text that starts with
` + "`*`, `&`, `{` or `[`" + ` or contains ` + "`: ` or ` #`" + ` must be in quotes.
`

const formatsHead = `
## Formats

Custom formats are a list in the file. A webhook refers to one by its name in ` + "`format`" + `.
[Custom formats](formats/custom.md) has a complete example, with the request that its receiver gets.

| name | meaning |
|---|---|
`

const formatsTail = `
All of them are tried at the start: a program that does not compile, does not end or does not return
a single value, an unknown name or a header that may not be set stops the start with the file, the
line and the field. A change needs a restart. A webhook with a format that has left the file fails
its deliveries, with the reason on record, until it has another format.
`

// The page must say what the table says.
func TestPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	for _, o := range config.Options() {
		fmt.Fprintf(&b, "\n### `%s`\n%s\n\n", o.Name, o.Doc)
		fmt.Fprintf(&b, "- type: %s%s\n", o.Type, map[bool]string{true: ", secret"}[o.Secret])
		if o.Default != "" {
			fmt.Fprintf(&b, "- default: `%s`\n", o.Default)
		}
		fmt.Fprintf(&b, "- environment: `%s`", o.Env)
		if o.Secret {
			fmt.Fprintf(&b, " or `%s_FILE`", o.Env)
		}
		if len(o.Standard) > 0 {
			fmt.Fprintf(&b, ", else `%s`", strings.Join(o.Standard, "`, `"))
		}
		b.WriteString("\n")
		if o.Flag != "" {
			fmt.Fprintf(&b, "- flag: `--%s`\n", o.Flag)
		}
	}
	b.WriteString(webhooksHead)
	for _, f := range config.WebhookFields() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, f.Doc)
	}
	b.WriteString(webhooksTail)
	b.WriteString(formatsHead)
	for _, f := range config.FormatFields() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, f.Doc)
	}
	b.WriteString(formatsTail)
	want := b.String()
	if testkit.Updating() {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not what the table says; run go generate ./internal/config (-want +got):\n%s", diff)
	}
}
