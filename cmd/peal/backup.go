package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/pealhq/peal/internal/progress"
	"github.com/pealhq/peal/internal/terminal"
	"github.com/pealhq/peal/server"
)

func backup(c *call) error {
	loaded, err := c.loadSettings()
	if err != nil {
		return err
	}
	to, withKey := c.args[0], c.on("with-key")
	var done, total atomic.Int64
	bar := progress.Start(c.Stderr, isTerminal(c.Stderr), func() (float64, string) {
		n, all := done.Load(), total.Load()
		return float64(n) / float64(max(all, 1)), fmt.Sprintf("copying page %d of %d", n, all)
	})
	key, err := server.WriteBackup(c.ctx, serverOptions(&loaded.Config), server.Backup{
		To: to, WithKey: withKey, MaxLog: int64(flag[int](c, "max-log")) << 20,
		Progress: func(n, all int) { done.Store(int64(n)); total.Store(int64(all)) },
	})
	bar.Stop()
	if err != nil {
		return c.ownTrouble(loaded.Explain(err))
	}
	info, err := os.Stat(to)
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(map[string]any{"file": to, "bytes": info.Size(), "key_file": key, "with_key": withKey})
	}
	fmt.Fprintf(c.Stdout, "%s holds the database (%d bytes), whole and checked.\n", terminal.Safe(to), info.Size())
	switch {
	case withKey:
		fmt.Fprintf(c.Stdout, "%s.key holds the encryption key: both files together open the secrets.\n", terminal.Safe(to))
	case key != "":
		fmt.Fprintf(c.Stdout, "The encryption key is not in it. Keep a copy of %s apart from it.\n", terminal.Safe(key))
	default:
		fmt.Fprintln(c.Stdout, "The encryption key is not in it. Keep a copy of PEAL_ENCRYPTION_KEY apart from it.")
	}
	return nil
}

func restore(c *call) error {
	loaded, err := c.loadSettings()
	if err != nil {
		return err
	}
	from := c.args[0]
	report, err := server.Restore(c.ctx, serverOptions(&loaded.Config), from, c.on("with-key"))
	if err != nil {
		return c.ownTrouble(loaded.Explain(err))
	}
	if c.json {
		return c.writeJSON(map[string]any{"file": from, "events": report.Events, "aside": append([]string{}, report.Aside...), "key_problem": report.KeyProblem})
	}
	fmt.Fprintf(c.Stdout, "The database is that of %s, with %d events.\n", terminal.Safe(from), report.Events)
	for _, file := range report.Aside {
		fmt.Fprintf(c.Stdout, "kept: %s\n", terminal.Safe(file))
	}
	if report.KeyProblem != "" {
		return errors.New("the database is restored, but " + report.KeyProblem)
	}
	return nil
}
