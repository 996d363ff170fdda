package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bench"
)

func runBench(c *call) error {
	options := bench.DefaultOptions()
	switch {
	case c.on("quick") && c.on("full"):
		return usagef(c.cmd, "--quick and --full exclude each other")
	case c.on("quick"):
		options = bench.QuickOptions()
	case c.on("full"):
		options = bench.FullOptions()
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	options.Progress, options.Terminal = c.Stderr, isTerminal(c.Stderr)
	if err := c.fill(&options); err != nil {
		return err
	}
	options.Program, options.Version = program, programVersion()
	if err := options.Validate(); err != nil {
		var e *peal.Error
		if errors.As(err, &e) {
			err = fmt.Errorf("--%s %s", e.Field, e.Message)
		}
		return usagef(c.cmd, "%w", err)
	}
	if options.ProfileDirectory != "" {
		if err := os.MkdirAll(options.ProfileDirectory, 0o755); err != nil {
			return fmt.Errorf("create the directory for profiles: %w", err)
		}
	}
	fmt.Fprintln(c.Stderr, "The servers measured may use http and reach loopback, on any port; everything stays on this machine.")
	if options.Database != "" {
		fmt.Fprintln(c.Stderr, "Each scenario creates a schema in the database and drops it at its end.")
	}
	report, err := bench.Run(c.ctx, options)
	if err != nil {
		if c.ctx.Err() != nil {
			return context.Canceled
		}
		return c.ownTrouble(err)
	}
	if err := c.showReport(report, c.text("out")); err != nil {
		return err
	}
	return report.Check()
}

// showReport prints the report, and writes it to a file if one is named.
func (a *app) showReport(report *bench.Report, outFile string) error {
	write := report.WriteTable
	if a.json {
		write = report.WriteJSON
	}
	if err := write(a.Stdout); err != nil || outFile == "" {
		return err
	}
	write = report.WriteJSON
	if strings.HasSuffix(outFile, ".md") {
		write = report.WriteMarkdown
	}
	var kept bytes.Buffer
	err := write(&kept)
	if err == nil {
		err = os.WriteFile(outFile, kept.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
