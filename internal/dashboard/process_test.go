package dashboard_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pealhq/peal/server"
)

// serveAt is the variable that has the tests' program serve at an address, with what is
// in the folder that serveData names, until its input ends.
const serveAt, serveData = "PEAL_TEST_SERVE_AT", "PEAL_TEST_SERVE_DATA"

func serve() int {
	o := server.DefaultOptions()
	o.Listen, o.Data, o.Dev, o.OperatorKey = os.Getenv(serveAt), os.Getenv(serveData), true, operatorKey
	s, err := server.New(context.Background(), o)
	if err == nil {
		err = s.Start(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.Addr(), s.FirstRunPath())
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// process is a server in a separate process.
type process struct {
	t           *testing.T
	command     *exec.Cmd
	input       io.Closer
	data        string
	addr, first string // where it is, and the path of the link of its first start
}

func startProcess(t *testing.T, addr, data string) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, command: exec.Command(program), data: data}
	p.command.Env = append(os.Environ(), serveAt+"="+addr, serveData+"="+data)
	p.command.Stderr = t.Output()
	input, err := p.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	p.input = input
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v", err)
	}
	p.addr, p.first, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p
}

// kill ends the process at once, as a crash does.
func (p *process) kill() {
	if p.command.ProcessState != nil {
		return
	}
	p.command.Process.Kill()
	p.input.Close()
	p.command.Wait()
}
