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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks to end, the second one ends
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
