package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the program's own; release builds set it with -ldflags "-X main.version=…".
var version = ""

// programVersion gives the version that was built in, or the one that the Go
// toolchain recorded.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func newVersionCommand(app *app) *cobra.Command {
	var ofServer bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program, or of a server",
		Example: `  peal version
  peal version --server --url https://peal.example.com`,
		GroupID: groupServer,
		Args:    arguments(),
	}
	cmd.Flags().BoolVar(&ofServer, "server", false, "ask the server what it runs")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if ofServer {
			return app.serverVersion(cmd)
		}
		own := map[string]string{"version": programVersion(), "go": runtime.Version()}
		var err error
		if app.answer, err = json.Marshal(own); err != nil {
			return err
		}
		return app.show(func(w io.Writer) {
			fmt.Fprintf(w, "peal %s (%s %s/%s)\n", own["version"], own["go"], runtime.GOOS, runtime.GOARCH)
		})
	}
	return cmd
}

func (a *app) serverVersion(cmd *cobra.Command) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	v, err := c.Version(cmd.Context())
	if err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	return a.show(func(w io.Writer) {
		fmt.Fprintf(w, "peal %s (%s) at %s\n", printable(v.Version), printable(v.Go), a.url)
	})
}
