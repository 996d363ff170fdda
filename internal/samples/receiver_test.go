package samples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// receiver is a sample that runs.
type receiver struct {
	url   string
	lines chan string // what it says about requests
}

var (
	listening = regexp.MustCompile(`http://127\.0\.0\.1:[1-9][0-9]*`)
	verdict   = regexp.MustCompile(`(verified|refused|failed) .*`)
)

// startReceiver starts a sample with a format and secrets in its environment, and
// waits until it listens.
func (l *language) startReceiver(t *testing.T, command []string, format, secret, oldSecret string) *receiver {
	t.Helper()
	environment := []string{
		"WEBHOOK_FORMAT=" + format, "WEBHOOK_SECRET=" + secret, "WEBHOOK_OLD_SECRET=" + oldSecret,
		"PYTHONDONTWRITEBYTECODE=1", // no files beside the samples
	}
	if command == nil {
		return startScript(t, format, environment)
	}
	for try := 1; ; try++ {
		r, said := l.tryReceiver(t, command, environment)
		if r != nil {
			return r
		}
		// Another program may have taken the port that was free a moment ago.
		if !l.fixedPort || try == 3 {
			t.Fatalf("%v does not listen; it says:\n%s", command, said)
		}
	}
}

func (l *language) tryReceiver(t *testing.T, command, environment []string) (*receiver, string) {
	t.Helper()
	port := "0"
	if l.fixedPort {
		port = freePort(t)
	}
	command = slices.Clone(command)
	for i := range command {
		command[i] = strings.ReplaceAll(command[i], "{port}", port)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = samples
	cmd.Env = append(cmd.Environ(), environment...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() // only its end counts: it is killed
		in.Close()
		close(ended)
	}()
	r := &receiver{lines: make(chan string, 1000)}
	ready := make(chan string, 1)
	read := make(chan struct{})
	var said strings.Builder
	go func() {
		defer close(read)
		defer close(ready)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			line := scanner.Text()
			if r.url == "" {
				fmt.Fprintln(&said, line)
				if r.url = listening.FindString(line); r.url != "" {
					ready <- r.url
				}
			} else if found := verdict.FindString(line); found != "" {
				r.lines <- found
			}
		}
	}()
	end := func() {
		stop()
		<-ended
		<-read
	}
	select {
	case url := <-ready:
		if url == "" {
			end()
			return nil, said.String()
		}
	case <-time.After(patience):
		end()
		t.Fatalf("%v takes too long to listen; it says:\n%s", command, said.String())
	}
	t.Cleanup(end)
	return r, ""
}

// freePort returns an unused port.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// said waits for what the receiver says about a request.
func (r *receiver) said(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.lines:
		return line
	case <-time.After(patience):
		t.Fatal("the receiver says nothing")
		return ""
	}
}
