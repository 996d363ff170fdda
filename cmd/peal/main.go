// Command peal serves Peal and talks to a Peal server: it publishes events,
// manages webhooks and shows what became of deliveries. "peal help" lists its
// commands; docs/cli.md describes each.
package main

//go:generate go test . -run ^TestDocs$ -update

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// untilSignal returns a context that the first signal ends; the second one ends the program. That
// is certain for those who notice the end of the context: it happens after the release of the
// signals, where signal.NotifyContext releases them later and loses one that comes between.
func untilSignal() context.Context {
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with the program
		<-signals
		signal.Stop(signals)
		end()
	}()
	return ctx
}

// app is the environment of every command, and the global flags.
type app struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Env returns the value of an environment variable; "" when it is not set.
	Env func(name string) string
	// Now is the clock by which commands write how long ago something was.
	Now func() time.Time

	url    string
	key    string
	tenant string
	json   bool

	keyGiven bool   // whether there is a key
	answer   []byte // the body of the server's last answer
	asJSON   bool   // the server runs, and its log is JSON
}

// run does what the arguments (without the program's name) ask for and returns the exit code. It
// returns early when ctx ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	app := &app{Stdin: stdin, Stdout: stdout, Stderr: stderr, Env: env, Now: time.Now}
	root := newRootCommand(app)
	root.SetArgs(args)
	if cmd, err := root.ExecuteContextC(ctx); err != nil {
		return app.report(cmd, err)
	}
	return exitOK
}
