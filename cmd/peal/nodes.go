package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/terminal"
)

func printNodes(c *call, w io.Writer, nodes []client.Node) {
	var rows [][]string
	for _, n := range nodes {
		load := n.Load
		rows = append(rows, []string{
			n.ID, n.Name + when(n.Self, " (answers)"), n.Version, c.ago(n.StartedAt), c.ago(n.SeenAt), strconv.Itoa(load.InFlight),
			strconv.Itoa(load.Queued), strconv.Itoa(load.Lanes), strconv.Itoa(load.Open), strconv.Itoa(load.Fences),
		})
	}
	table(w, "ID, NAME, VERSION, STARTED, SEEN, IN FLIGHT, QUEUED, LANES, OPEN, FENCES", rows)
}

func printRanges(_ *call, w io.Writer, answer client.Ranges) {
	if len(answer.Ranges) == 0 {
		fmt.Fprintln(w, "none are published: requests may come from anywhere")
	}
	for _, r := range answer.Ranges {
		fmt.Fprintln(w, terminal.Safe(r))
	}
}

// version is the program's own; release builds set it with -ldflags "-X main.version=…".
var version = ""

// programVersion returns the version that was built in, or the one that the Go toolchain recorded.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// programCommit returns the commit that the program was built from, where the Go toolchain recorded
// it; else "".
func programCommit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return ""
}

func showVersion(c *call) error {
	if c.on("server") {
		return single("ask the server for its version", (*client.Client).Version, func(c *call, w io.Writer, v client.Version) {
			fmt.Fprintf(w, "peal %s (%s) at %s\n", terminal.Safe(v.Version), terminal.Safe(v.Go), c.url)
		})(c)
	}
	own := map[string]string{"version": programVersion(), "go": runtime.Version()}
	return c.showOwn(own, func(w io.Writer) {
		fmt.Fprintf(w, "peal %s (%s %s/%s)\n", own["version"], own["go"], runtime.GOOS, runtime.GOARCH)
	})
}
