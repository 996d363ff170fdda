package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// app is what every command works with: the outside world, and the global flags.
type app struct {
	asJSON bool // the server runs, and its log is JSON
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Env gives the value of an environment variable; "" when it is not set.
	Env func(name string) string
	// Now tells the time, to write how long ago something was.
	Now func() time.Time

	url    string
	key    string
	tenant string
	json   bool
	utc    bool

	keyGiven bool   // whether there is a key
	answer   []byte // the body of the server's last answer
}

// constructors make the commands, in the order in which help lists them within
// their groups.
var constructors = []func(app *app) *cobra.Command{
	newServeCommand,
	newDemoCommand,
	newBenchCommand,
	newConfigCommand,
	newBackupCommand,
	newRestoreCommand,
	newMigrateCommand,
	newCopyCommand,
	newPublishCommand,
	newEventsCommand,
	newDeliveriesCommand,
	newReplaysCommand,
	newVerifyCommand,
	newWebhooksCommand,
	newEventTypesCommand,
	newPresetsCommand,
	newSourcesCommand,
	newTenantsCommand,
	newQuotasCommand,
	newKeysCommand,
	newNodesCommand,
	newUsersCommand,
	newPortalCommand,
	newAuditCommand,
	newIPRangesCommand,
	newVersionCommand,
}

// The groups in which help lists the commands.
const (
	groupServer = "server"
	groupUse    = "use"
	groupManage = "manage"
)

// run does what the arguments (without the program's name) ask for and gives the
// exit code. It returns early when ctx ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	app := &app{Stdin: stdin, Stdout: stdout, Stderr: stderr, Env: env, Now: time.Now}
	root := newRootCommand(app)
	root.SetArgs(args)
	if cmd, err := root.ExecuteContextC(ctx); err != nil {
		return app.report(cmd, err)
	}
	return exitOK
}

func newRootCommand(app *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "peal",
		Short: "One event rings every endpoint",
		Long: `Peal takes an event once, signs it, delivers it to every subscribed URL, retries
until it arrives, and shows what happened.

The server's address and key come from --url and --key, or from PEAL_URL and
PEAL_KEY (or PEAL_KEY_FILE, which names a file that holds the key).

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 input refused, 4 not found,
5 not allowed, 6 server not reachable or not ready.`,
		Example: `  peal webhooks create http://127.0.0.1:9000/hook --events 'task.*'
  peal publish task.created '{"id": 7}'
  peal deliveries list`,
		PersistentPreRun: func(*cobra.Command, []string) {
			if app.utc {
				time.Local = time.UTC
			}
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	// A command that only groups others shows how those are called.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if not .HasAvailableSubCommands}}", 1))
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "Run a server:"},
		&cobra.Group{ID: groupUse, Title: "Publish and look:"},
		&cobra.Group{ID: groupManage, Title: "Manage:"},
	)
	flags := root.PersistentFlags()
	flags.StringVar(&app.url, "url", "", "address of the server (PEAL_URL; else "+defaultURL+")")
	flags.StringVar(&app.key, "key", "", "API key (PEAL_KEY, or PEAL_KEY_FILE)")
	flags.StringVar(&app.tenant, "tenant", "", "tenant to act for, with an operator key (PEAL_TENANT)")
	flags.BoolVar(&app.utc, "utc", false, "print times in UTC instead of this machine's zone (TZ)")
	flags.BoolVar(&app.json, "json", false, "print JSON instead of a table")
	for _, construct := range constructors {
		root.AddCommand(construct(app))
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	strict(root)
	return root
}
