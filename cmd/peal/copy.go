package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/terminal"
	"github.com/pealhq/peal/internal/transfer"
)

func copyDatabase(c *call) error {
	loaded, err := config.Load(config.Sources{File: cmp.Or(c.text("config"), c.Env("PEAL_CONFIG")), Env: c.Env})
	if err != nil {
		return usagef(c.cmd, "%w", err)
	}
	options := transfer.DefaultOptions()
	if err := c.fill(&options); err != nil {
		return err
	}
	options.To = cmp.Or(options.To, loaded.Database)
	options.EncryptionKey = loaded.EncryptionKey
	options.Progress, options.Terminal = c.Stderr, isTerminal(c.Stderr)
	if err := options.Validate(); err != nil {
		return usagef(c.cmd, "%w", asFlag(err))
	}
	if c.on("take-back") {
		if err := transfer.TakeBack(c.ctx, options, c.on("yes")); err != nil {
			return asFlag(err)
		}
		fmt.Fprintf(c.Stdout, "%s is the server's again: peal serve starts on it.\n", terminal.Safe(options.From))
		return nil
	}
	report, err := transfer.Run(c.ctx, options)
	if err != nil {
		return asFlag(err)
	}
	return c.showCopied(report)
}

// asFlag returns an error with the name of the flag or of the variable that it is about.
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
		return a.writeJSON(report)
	}
	all, written := report.Rows()
	if len(report.Tables) > 0 {
		took := time.Duration(report.Seconds * float64(time.Second))
		fmt.Fprintf(a.Stdout, "%d rows in %s (%.0f a second), %d of them written.\n", all, took.Round(10*time.Millisecond), float64(all)/max(report.Seconds, 0.001), written)
	}
	if !report.Moved {
		fmt.Fprintf(a.Stdout, "\nA server has %s, so this was a first pass: NOT yet moved.\nStop the server, run the same command again, and then start on the new database.\n", terminal.Safe(report.From))
		return nil
	}
	if len(report.Tables) > 0 {
		fmt.Fprintln(a.Stdout, "Both databases hold the same rows, by count and checksum of each table.")
	}
	fmt.Fprintf(a.Stdout, "\n%s is moved: start servers with PEAL_DATABASE set to\n%s\nand the same PEAL_ENCRYPTION_KEY. The file stays as it is; delete it when you no longer need it.\n",
		terminal.Safe(report.From), terminal.Safe(report.To))
	return nil
}
