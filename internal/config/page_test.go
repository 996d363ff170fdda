package config_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/internal/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const page = "../../docs/configuration.md"

const head = `# Configuration

<!-- Made from internal/config by "go generate ./..."; change it there. -->

A server's settings come from four places, the later winning: the defaults below, a
file, the environment, flags. ` + "`peal config print`" + ` shows every setting with its value
and the place that it comes from; secrets are left out.

The file is ` + "`peal.yaml`" + ` in the working directory, or the one that ` + "`--config`" + ` or
` + "`PEAL_CONFIG`" + ` names. It is read strictly: a setting that does not exist, stands twice or
has a value of the wrong type stops the start with the file's name and the line.

` + "```yaml" + `
listen: 0.0.0.0:8420
data: /var/lib/peal
egress:
  allow: [10.1.0.0/16]
variables:
  CHAT_TOKEN: a value that headers use as {{CHAT_TOKEN}}
` + "```" + `

In the environment, a setting that is set but empty counts as not set. The variable of
one marked secret may have ` + "`_FILE`" + ` behind its name and then names a file that holds the
value, such as ` + "`PEAL_OPERATOR_KEY_FILE=/run/secrets/peal`" + `. Keys and variables have no
flag, since other users of a machine can read a command line.

A list is written ` + "`[a, b]`" + ` in the file and ` + "`a,b`" + ` elsewhere. A duration is written like
` + "`90s`, `5m` or `2h30m`" + `, a size like ` + "`300000`, `256KiB` or `1MiB`" + `.

## Settings
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
		b.WriteString("\n")
		if o.Flag != "" {
			fmt.Fprintf(&b, "- flag: `--%s`\n", o.Flag)
		}
	}
	want := b.String()
	if *update {
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
