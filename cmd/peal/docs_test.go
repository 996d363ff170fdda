package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pealhq/peal/internal/bench"
	"github.com/pealhq/peal/internal/testkit"
)

const docsPath = "../../docs/cli.md"

// TestDocs compares docs/cli.md with the commands; -update writes it.
func TestDocs(t *testing.T) {
	got := docs(newRootCommand(quietApp()))
	if testkit.Updating() {
		if err := os.WriteFile(docsPath, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if line := firstDifference(string(want), string(got)); line > 0 {
		t.Errorf("docs/cli.md is stale from line %d on; write it with: go test ./cmd/peal -run TestDocs -update", line)
	}
}

// firstDifference returns the number of the first line that differs; 0 when none does.
func firstDifference(a, b string) int {
	if a == b {
		return 0
	}
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return i + 1
		}
	}
	return min(len(as), len(bs)) + 1
}

func quietApp() *app {
	return &app{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Env: func(string) string { return "" }}
}

// TestEveryCommandIsExplained checks that every command has a short help, an example that calls
// that very command, and an action.
func TestEveryCommandIsExplained(t *testing.T) {
	acting := 0
	eachCommand(newRootCommand(quietApp()), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if !cmd.HasSubCommands() {
			if acting++; actions[strings.TrimPrefix(path, "peal ")] == nil {
				t.Errorf("%s has no action", path)
			}
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short help %q must be words without a full stop", path, cmd.Short)
		}
		if !cmd.HasSubCommands() && !strings.Contains(cmd.Example, path) {
			t.Errorf("%s has no example that calls it", path)
		}
		if cmd.Parent() == cmd.Root() && cmd.GroupID == "" {
			t.Errorf("%s is in no group", path)
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no help", path, f.Name)
			}
		})
		for _, scenario := range bench.Scenarios() {
			if cmd.Name() == "bench" && !strings.Contains(cmd.Long, scenario) {
				t.Errorf("peal bench does not name the scenario %s", scenario)
			}
		}
	})
	if acting != len(actions) {
		t.Errorf("%d commands, and %d actions", acting, len(actions))
	}
}

// eachCommand visits our commands, those of cobra left out.
func eachCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	if cmd.Name() == "help" || cmd.Name() == "completion" || cmd.Hidden {
		return
	}
	visit(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, visit)
	}
}

// docs writes the page of all commands.
func docs(root *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The command line\n\n<!-- Made from the commands' own help by the tests of cmd/peal; change it there. -->\n\n")
	fmt.Fprintf(&b, "%s\n\nThese flags can be given to every command:\n\n%s", plainText(root.Long), flagTable(root.PersistentFlags()))
	fmt.Fprintf(&b, "\n`peal completion bash|zsh|fish|powershell` writes a script with which a shell completes commands and flags.\n")
	for _, group := range root.Groups() {
		fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(group.Title, ":"))
		for _, cmd := range root.Commands() {
			if cmd.GroupID == group.ID {
				eachCommand(cmd, func(cmd *cobra.Command) { section(&b, cmd) })
			}
		}
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, cmd *cobra.Command) {
	level := "###"
	if cmd.Parent() != cmd.Root() {
		level = "####"
	}
	fmt.Fprintf(b, "\n%s %s\n\n", level, cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(b, "%s\n", plainText(text))
	if !cmd.HasSubCommands() {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.TrimSuffix(cmd.UseLine(), " [flags]"))
	}
	if cmd.Example != "" {
		fmt.Fprintf(b, "\nFor example:\n\n```sh\n%s\n```\n", unindent(cmd.Example))
	}
	if table := flagTable(cmd.LocalNonPersistentFlags()); table != "" {
		fmt.Fprintf(b, "\n%s", table)
	}
}

func plainText(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`).Replace(text)
}

func unindent(example string) string {
	return strings.ReplaceAll(strings.TrimPrefix(example, "  "), "\n  ", "\n")
}

func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if b.Len() == 0 {
			b.WriteString("| flag | meaning |\n|---|---|\n")
		}
		name := "--" + f.Name
		if kind := f.Value.Type(); kind != "bool" {
			name += " " + kind
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.ReplaceAll(plainText(f.Usage), "|", `\|`))
	})
	return b.String()
}
