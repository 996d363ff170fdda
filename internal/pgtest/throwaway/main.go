// Command throwaway runs a program on a temporary PostgreSQL cluster, which has the default
// durability:
//
//	go run ./internal/pgtest/throwaway bin/peal bench --database
//
// The URL of an empty database becomes the program's last argument.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/pealhq/peal/internal/pgtest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: throwaway PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	// The program gets an interrupt as well, and ends: the cluster goes after it.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			os.Exit(max(ended.ExitCode(), 1))
		}
		fmt.Fprintln(os.Stderr, "throwaway:", err)
		os.Exit(1)
	}
}

func run(program string, arguments []string) (err error) {
	cluster, err := pgtest.Start(pgtest.Options{Durable: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	cmd := exec.Command(program, append(arguments, cluster.URL("postgres"))...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
