package main

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal/internal/config"
)

//go:embed commands.yaml
var commandsText []byte

// spec is the description of a command: its texts, its flags and the commands below it.
type spec struct {
	Use, Group, Short, Long, Example string
	Aliases                          []string
	// Settings adds a flag for each setting of a server.
	Settings bool
	// Uses names the sets of flags that several commands have, and Flags has its own.
	Uses  []string
	Flags []flagSpec
	// Required maps the flags that must be given to what to do when they are not.
	Required map[string]string
	Commands []spec
}

// The groups in which help lists the commands.
var groups = []*cobra.Group{
	{ID: "server", Title: "Run a server:"},
	{ID: "use", Title: "Publish and look:"},
	{ID: "manage", Title: "Manage:"},
}

// newRootCommand returns the command peal with all commands below it.
func newRootCommand(app *app) *cobra.Command {
	var file struct {
		Sets map[string][]flagSpec
		Root spec
	}
	if err := yaml.Unmarshal(commandsText, &file); err != nil {
		panic("commands.yaml: " + err.Error()) // the tests read it
	}
	root := newCommand(app, file.Sets, "", file.Root)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	// The usage of a command that only groups others shows their calls.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if not .HasAvailableSubCommands}}", 1))
	root.AddGroup(groups...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	strict(root)
	return root
}

// newCommand returns the command of a spec. Its path, without peal, names its action.
func newCommand(app *app, sets map[string][]flagSpec, parent string, s spec) *cobra.Command {
	cmd := &cobra.Command{Use: s.Use, Aliases: s.Aliases, GroupID: s.Group, Short: s.Short, Long: s.Long}
	if s.Example != "" {
		cmd.Example = "  " + strings.ReplaceAll(s.Example, "\n", "\n  ")
	}
	switch cmd.Name() {
	case "list":
		cmd.Aliases = []string{"ls"}
	case "delete":
		cmd.Aliases = []string{"rm"}
	}
	flags := cmd.Flags()
	if cmd.Name() == "peal" {
		flags = cmd.PersistentFlags()
	}
	flags.SortFlags = s.Settings
	if s.Settings {
		addSettings(cmd)
	}
	specs := s.Flags
	for _, name := range s.Uses {
		specs = append(specs, sets[name]...)
	}
	for _, f := range specs {
		addFlag(app, cmd, flags, f)
	}
	path := strings.TrimSpace(parent + " " + cmd.Name())
	if cmd.Name() == "peal" {
		path = ""
	}
	for _, sub := range s.Commands {
		cmd.AddCommand(newCommand(app, sets, path, sub))
	}
	if len(s.Commands) > 0 {
		return cmd
	}
	cmd.Args = operands(cmd)
	cmd.ValidArgsFunction = completeOperand
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFlags(cmd, s.Required); err != nil {
			return err
		}
		app.useGlobals(cmd)
		return actions[path](&call{app: app, ctx: cmd.Context(), cmd: cmd, args: args})
	}
	return cmd
}

// operands returns the check of a command's arguments, which its usage line names: NAME must be
// given, [NAME] may be.
func operands(cmd *cobra.Command) cobra.PositionalArgs {
	names := strings.Fields(cmd.Use)[1:]
	needed := len(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name[0] == '[' }))
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < needed:
			return fmt.Errorf("%s is missing", strings.Join(names[len(args):needed], " and "))
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// usageError is the error of a call that does not fit the command.
type usageError struct {
	Err     error
	Command string // the help of this command has more
}

func (e *usageError) Error() string { return e.Err.Error() }

func (e *usageError) Unwrap() error { return e.Err }

// usagef returns the error of a command that was called wrongly.
func usagef(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{Err: fmt.Errorf(format, args...), Command: cmd.CommandPath()}
}

// strict turns every wrong call of a command and those below it into a usageError, also a
// subcommand that does not exist, for which cobra would print help and succeed.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{Err: suggestFlag(cmd, err), Command: cmd.CommandPath()}
	})
	if !cmd.Runnable() {
		cmd.Args = onlySubcommands
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{Err: err, Command: cmd.CommandPath()}
			}
			return nil
		}
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

func onlySubcommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	text := fmt.Sprintf("%q is no command of %q", args[0], cmd.CommandPath())
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		text += "; did you mean " + strings.Join(names, " or ") + "?"
	}
	return errors.New(text)
}

// suggestFlag adds to the error of an unknown flag the name that is nearest to it.
func suggestFlag(cmd *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := config.Closest(name, names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}

// completeOperand offers files to the shell for the operands FILE and DATA, and presets for theirs.
func completeOperand(cmd *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	names := strings.Fields(cmd.Use)[1:]
	switch {
	case cmd.HasParent() && cmd.Parent().Name() == "presets":
		return completePreset(cmd, args, text)
	case len(args) < len(names) && slices.Contains([]string{"FILE", "DATA"}, strings.Trim(names[len(args)], "[]")):
		return nil, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
