package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pealhq/peal/internal/progress"
	"github.com/pealhq/peal/server"
)

func newBackupCommand(app *app) *cobra.Command {
	var withKey bool
	maxLog := int64(1024)
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the database into a file, also while the server runs",
		Long: `Write the state of the database file at one time into FILE (mode 0600), and check it. The
server may run meanwhile, under any load; everything that it had accepted when the backup
began is in it. FILE appears once it is complete; nothing is overwritten. Run it as the
server's user, with the server's settings.

The encryption key is not in it: keep a copy of that apart, because without it the secrets
in the backup do not open. --with-key writes it beside, as FILE.key.

While it runs, the database's log (-wal) grows by what the server commits meanwhile;
--max-log ends the backup when that becomes too much. A PostgreSQL database is backed up
with pg_dump.`,
		Example: `  peal backup /backup/peal-2026-11-30.db
  peal backup --data /var/lib/peal /backup/peal.db`,
		GroupID: groupServer,
		Args:    arguments("FILE"),
	}
	addSettings(cmd)
	cmd.Flags().BoolVar(&withKey, "with-key", false, "also write the encryption key, as FILE.key")
	cmd.Flags().Int64Var(&maxLog, "max-log", maxLog, "largest size of the database's log meanwhile, in MiB; 0 for any")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		loaded, err := app.loadSettings(cmd)
		if err != nil {
			return err
		}
		bar := app.startPages("copying")
		key, err := server.WriteBackup(cmd.Context(), serverOptions(&loaded.Config), server.Backup{To: args[0], WithKey: withKey, MaxLog: maxLog << 20, Progress: bar.show})
		bar.stop()
		if err != nil {
			return app.ownTrouble(loaded.Explain(err))
		}
		info, err := os.Stat(args[0])
		if err != nil {
			return err
		}
		if app.json {
			return writeJSON(app, map[string]any{"file": args[0], "bytes": info.Size(), "key_file": key, "with_key": withKey})
		}
		fmt.Fprintf(app.Stdout, "%s holds the database (%d bytes), whole and checked.\n", printable(args[0]), info.Size())
		switch {
		case withKey:
			fmt.Fprintf(app.Stdout, "%s.key holds the encryption key: whoever has both files has the secrets.\n", printable(args[0]))
		case key != "":
			fmt.Fprintf(app.Stdout, "The encryption key is not in it. Keep a copy of %s apart from it.\n", printable(key))
		default:
			fmt.Fprintln(app.Stdout, "The encryption key is not in it. Keep a copy of PEAL_ENCRYPTION_KEY apart from it.")
		}
		return nil
	}
	return cmd
}

func newRestoreCommand(app *app) *cobra.Command {
	var withKey bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the database file",
		Long: `Put a backup that "peal backup" has written in the place of the database file. The server
must be stopped. The backup is copied and checked first; the files that were there are kept
under other names, which are printed.

The server starts with the state of the backup's time: what was delivered since is delivered
again when it was pending then, and keys and sessions that were revoked since are valid again.
--with-key also restores the encryption key from FILE.key.`,
		Example: `  peal restore /backup/peal-2026-11-30.db
  peal restore --data /var/lib/peal --with-key /backup/peal.db`,
		GroupID: groupServer,
		Args:    arguments("FILE"),
	}
	addSettings(cmd)
	cmd.Flags().BoolVar(&withKey, "with-key", false, "also restore the encryption key, from FILE.key")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		loaded, err := app.loadSettings(cmd)
		if err != nil {
			return err
		}
		report, err := server.Restore(cmd.Context(), serverOptions(&loaded.Config), args[0], withKey)
		if err != nil {
			return app.ownTrouble(loaded.Explain(err))
		}
		if app.json {
			return writeJSON(app, map[string]any{"file": args[0], "events": report.Events, "aside": append([]string{}, report.Aside...), "key_problem": report.KeyProblem})
		}
		fmt.Fprintf(app.Stdout, "The database is that of %s, with %d events.\n", printable(args[0]), report.Events)
		for _, file := range report.Aside {
			fmt.Fprintf(app.Stdout, "kept: %s\n", printable(file))
		}
		if report.KeyProblem != "" {
			return errors.New("the database is restored, but " + report.KeyProblem)
		}
		return nil
	}
	return cmd
}

// pages shows how many pages of a file are done.
type pages struct {
	bar         *progress.Bar
	done, total atomic.Int64
}

func (a *app) startPages(what string) *pages {
	p := &pages{}
	file, ok := a.Stderr.(*os.File)
	p.bar = progress.Start(a.Stderr, ok && isatty.IsTerminal(file.Fd()), func() (float64, string) {
		return float64(p.done.Load()) / float64(max(p.total.Load(), 1)), fmt.Sprintf("%s page %d of %d", what, p.done.Load(), p.total.Load())
	})
	return p
}

func (p *pages) show(done, total int) {
	p.done.Store(int64(done))
	p.total.Store(int64(total))
}

func (p *pages) stop() { p.bar.Stop() }
