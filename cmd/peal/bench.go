package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bench"
)

func newBenchCommand(app *app) *cobra.Command {
	var quick, full bool
	var outFile string
	given := bench.DefaultOptions()
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what Peal does on this machine",
		Long: `Measure what Peal does on this machine: throughput, latency, isolation, memory,
disk and CPU, beside a bare net/http loop of the same run. Each scenario starts a
server of its own on data that is thrown away, publishes to it over loopback and
receives what it delivers. Everything is counted: when an event is missing or
arrives twice, the command fails. Targets that are not reached do not make it fail.

docs/performance.md tells the method and what the figures mean. The machine should
have nothing else to do meanwhile.

With --database the servers keep their data in PostgreSQL, in the schema peal_bench or
the URL's search_path. It must not be there: each scenario makes it and drops it.

The scenarios: ` + wrapped(bench.Scenarios()) + `.`,
		Example: `  peal bench
  peal bench --quick
  peal bench --only single,latency --out figures.json
  peal bench --database postgres://peal@127.0.0.1/peal
  peal bench --full --directory /var/lib/peal-bench --out figures.md`,
		GroupID: groupServer,
		Args:    arguments(),
	}
	flags := cmd.Flags()
	flags.BoolVar(&quick, "quick", false, "take less than 20 seconds, at small sizes")
	flags.BoolVar(&full, "full", false, "measure at the sizes of every target; takes long")
	flags.StringSliceVar(&given.Only, "only", nil, "only these scenarios, separated by commas; the bare loop always runs")
	flags.StringVar(&outFile, "out", "", "file to write the report to as well: Markdown when its name ends in .md, else JSON")
	flags.StringVar(&given.Directory, "directory", "", "where the throw-away data goes, on the disk to be measured (else the temporary directory)")
	flags.StringVar(&given.Database, "database", "", "URL of a PostgreSQL database to measure on, in a schema that is made and dropped; not one in production")
	flags.IntVar(&given.Backlog, "backlog", given.Backlog, "pending deliveries when memory is measured")
	flags.IntVar(&given.History, "history", given.History, "delivered events in the database when throughput is compared with that of an empty one")
	flags.StringVar(&given.HistoryDirectory, "history-directory", "", "keep the database with those events here, so that the next run fills in only what is missing")
	flags.IntVar(&given.Webhooks, "webhooks", given.Webhooks, "webhooks of the server that idles")
	flags.StringVar(&given.ProfileDirectory, "cpuprofile", "", "directory for a CPU profile of each scenario's server")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		options := given
		switch {
		case quick && full:
			return usagef(cmd, "--quick and --full exclude each other")
		case quick:
			options = bench.QuickOptions()
		case full:
			options = bench.FullOptions()
		}
		options.Only, options.Directory, options.ProfileDirectory, options.Database = given.Only, given.Directory, given.ProfileDirectory, given.Database
		options.HistoryDirectory = given.HistoryDirectory
		for name, size := range map[string]struct{ to, from *int }{
			"backlog": {&options.Backlog, &given.Backlog}, "history": {&options.History, &given.History}, "webhooks": {&options.Webhooks, &given.Webhooks},
		} {
			if flags.Changed(name) {
				*size.to = *size.from
			}
		}
		return app.bench(cmd, options, outFile)
	}
	return cmd
}

// wrapped writes a list that goes on in a second line of help.
func wrapped(names []string) string {
	half := len(names) / 2
	return strings.Join(names[:half], ", ") + ",\n" + strings.Join(names[half:], ", ")
}

func (a *app) bench(cmd *cobra.Command, options bench.Options, outFile string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	options.Program, options.Version = program, programVersion()
	options.Progress = a.Stderr
	if file, ok := a.Stderr.(*os.File); ok {
		options.Terminal = isatty.IsTerminal(file.Fd())
	}
	if err := options.Validate(); err != nil {
		var e *peal.Error
		if errors.As(err, &e) {
			err = fmt.Errorf("--%s %s", e.Field, e.Message)
		}
		return &usageError{Err: err, Command: cmd.CommandPath()}
	}
	if options.ProfileDirectory != "" {
		if err := os.MkdirAll(options.ProfileDirectory, 0o755); err != nil {
			return fmt.Errorf("make the directory for profiles: %w", err)
		}
	}
	fmt.Fprintln(a.Stderr, "The servers measured may use http and reach loopback, on any port; everything stays on this machine.")
	if options.Database != "" {
		fmt.Fprintln(a.Stderr, "Each scenario makes a schema in the database and drops it at its end.")
	}
	report, err := bench.Run(cmd.Context(), options)
	if err != nil {
		if cmd.Context().Err() != nil {
			return context.Canceled
		}
		return a.ownTrouble(err)
	}
	if err := a.showReport(report, outFile); err != nil {
		return err
	}
	return report.Check()
}

// showReport prints the report, and writes it to a file when there is one.
func (a *app) showReport(report *bench.Report, outFile string) error {
	var shown, kept bytes.Buffer
	write := report.WriteTable
	if a.json {
		write = report.WriteJSON
	}
	if err := write(&shown); err != nil {
		return err
	}
	if _, err := a.Stdout.Write(shown.Bytes()); err != nil {
		return err
	}
	if outFile == "" {
		return nil
	}
	write = report.WriteJSON
	if strings.HasSuffix(outFile, ".md") {
		write = report.WriteMarkdown
	}
	if err := write(&kept); err != nil {
		return err
	}
	if err := os.WriteFile(outFile, kept.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
