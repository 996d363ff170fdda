package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/transfer"
)

func newCopyCommand(app *app) *cobra.Command {
	options := transfer.DefaultOptions()
	var file string
	var takeBack, yes bool
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Move everything from a database file to PostgreSQL",
		Long: `Move everything from the database file of a server to a PostgreSQL database, for several
servers to use: webhooks with their secrets, keys, users, sessions, the audit log, events,
deliveries and what is pending of them, attempts and statistics. IDs, signatures, links
and keys go on working, and receivers notice nothing.

Run it as the server's user, on the server's machine, with the encryption key that the
server has and the new ones will have (PEAL_ENCRYPTION_KEY or PEAL_ENCRYPTION_KEY_FILE):

1. While the server runs: a first pass, which takes long. Nothing changes for the server.
2. Stop the server and run the same command again. It writes what has changed since,
   compares both databases row by row, and marks the file as moved: no server starts on
   it any more, and none on the new database before it is complete.
3. Start servers on the new database.

It may be interrupted at any moment, also by a crash: run it again. --take-back undoes
the last step for as long as no server was started on the new database.`,
		Example: `  peal copy --from sqlite:/var/lib/peal/peal.db --to postgres://peal@db.example.com/peal
  peal copy --from sqlite:/var/lib/peal/peal.db --to postgres://peal@db.example.com/peal --take-back`,
		GroupID: groupServer,
		Args:    arguments(),
	}
	flags := cmd.Flags()
	flags.StringVar(&options.From, "from", "", "database file of the server: sqlite:PATH")
	flags.StringVar(&options.To, "to", "", "database to fill: postgres://… (else PEAL_DATABASE)")
	flags.StringVar(&file, "config", "", "configuration file (PEAL_CONFIG; else "+config.DefaultFile+" if it is there)")
	flags.BoolVar(&takeBack, "take-back", false, "let servers start on the file again, and none on the other database")
	flags.BoolVar(&yes, "yes", false, "with --take-back: also when servers have run on the other database, and lose what it has accepted since")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := config.Load(config.Sources{File: firstOf(file, app.Env("PEAL_CONFIG")), Env: app.Env})
		if err != nil {
			return &usageError{Err: err, Command: cmd.CommandPath()}
		}
		options.To = firstOf(options.To, loaded.Database)
		options.EncryptionKey = loaded.EncryptionKey
		options.Progress = app.Stderr
		if file, ok := app.Stderr.(*os.File); ok {
			options.Terminal = isatty.IsTerminal(file.Fd())
		}
		if err := options.Validate(); err != nil {
			return &usageError{Err: asFlag(err), Command: cmd.CommandPath()}
		}
		if takeBack {
			if err := transfer.TakeBack(cmd.Context(), options, yes); err != nil {
				return asFlag(err)
			}
			fmt.Fprintf(app.Stdout, "%s is the server's again: peal serve starts on it.\n", printable(options.From))
			return nil
		}
		report, err := transfer.Run(cmd.Context(), options)
		if err != nil {
			return asFlag(err)
		}
		return app.showCopied(report)
	}
	return cmd
}

// asFlag names the flag or the variable that an error is about.
func asFlag(err error) error {
	var e *peal.Error
	if !errors.As(err, &e) {
		return err
	}
	names := map[string]string{"from": "--from", "to": "--to", "encryption_key": "PEAL_ENCRYPTION_KEY", "database": "the database"}
	if name, found := names[e.Field]; found {
		named := *e
		named.Field = name
		return &named
	}
	return err
}

func (a *app) showCopied(report *transfer.Report) error {
	if a.json {
		return writeJSON(a, report)
	}
	all, written := report.Rows()
	if len(report.Tables) > 0 {
		took := time.Duration(report.Seconds * float64(time.Second))
		fmt.Fprintf(a.Stdout, "%d rows in %s (%.0f a second), %d of them written.\n", all, took.Round(10*time.Millisecond), float64(all)/max(report.Seconds, 0.001), written)
	}
	if !report.Moved {
		fmt.Fprintf(a.Stdout, "\nA server has %s, so this was a first pass: NOT yet moved.\nStop the server, run the same command again, and then start on the new database.\n", printable(report.From))
		return nil
	}
	if len(report.Tables) > 0 {
		fmt.Fprintln(a.Stdout, "Both databases hold the same rows, by count and checksum of each table.")
	}
	fmt.Fprintf(a.Stdout, "\n%s is moved: start servers with PEAL_DATABASE set to\n%s\nand the same PEAL_ENCRYPTION_KEY. The file stays as it is, for as long as you want to keep it.\n",
		printable(report.From), printable(report.To))
	return nil
}
