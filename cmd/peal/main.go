// Command peal serves Peal and talks to a Peal server: it publishes events,
// manages webhooks and shows what became of deliveries. "peal help" lists its
// commands; docs/cli.md describes each.
package main

//go:generate go test . -run ^TestDocs$ -update

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// untilSignal gives a context that the first signal ends; the second one ends the
// program. Whoever sees anything of the end can rely on that: signals are let go before
// it, where signal.NotifyContext lets go of them some time after, and loses one that
// comes between.
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
