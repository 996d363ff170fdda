package server_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/testkit"
)

// freeAddress returns an unused loopback address. It stays the same while a server dies and comes
// back.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// process is a server as a program of its own, started again after each death.
type process struct {
	program, data, address string
	name                   string   // of one of several, before the number of its start
	args, env              []string // beside the usual ones
	within                 []string // the command that runs it elsewhere; none for here

	starts int
	cmd    *exec.Cmd
	log    journal
}

// launch starts it.
func (p *process) launch(t *testing.T) {
	t.Helper()
	p.starts++
	p.log.Reset()
	line := append(slices.Clone(p.within), p.program, "serve", "--listen", p.address, "--data", p.data,
		"--egress-allow-http", "--egress-allow", "127.0.0.0/8", "--egress-ports", "0")
	p.cmd = exec.Command(line[0], append(line[1:], p.args...)...)
	p.cmd.Env = append(os.Environ(),
		"PEAL_OPERATOR_KEY="+operatorKey, "PEAL_VARIABLES={PROCESS: "+p.name+"p"+strconv.Itoa(p.starts)+"}")
	p.cmd.Env = append(p.cmd.Env, p.env...)
	p.cmd.Dir = p.data // no peal.yaml of the machine's
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// start starts it and waits until it is ready.
func (p *process) start(t *testing.T) {
	t.Helper()
	p.launch(t)
	p.awaitReady(t)
}

// awaitReady waits until it is ready.
func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	probe := &http.Client{Transport: transport, Timeout: patience}
	ready := false
	defer func() {
		if !ready { // the test ends here: the program must not outlive it
			p.kill(t)
		}
	}()
	testkit.Eventually(t, func() error {
		response, err := probe.Get("http://" + p.address + "/readyz")
		if err != nil {
			return fmt.Errorf("start %d: %w\n%s", p.starts, err, &p.log)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("start %d: it is not ready: %s\n%s", p.starts, response.Status, &p.log)
		}
		ready = true
		return nil
	})
}

// kill ends it as a power cut would, between any two instructions.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Errorf("kill: %v", err)
	}
	err := p.cmd.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended by itself before it was killed: %v\n%s", err, &p.log)
	}
	p.cmd = nil
}

// awaitDeath waits until it has killed itself, and meanwhile does again and again what
// brings it to where it is to die.
func (p *process) awaitDeath(t *testing.T, again func()) {
	t.Helper()
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		p.cmd.Wait() // that it was killed shows below
	}()
	tooLong := time.After(patience)
	for next := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-dead:
			next.Stop()
			if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("it ended otherwise: %v\n%s", p.cmd.ProcessState, &p.log)
			}
			p.cmd = nil
			return
		case <-tooLong:
			next.Stop()
			p.cmd.Process.Kill()
			<-dead
			p.cmd = nil
			t.Fatalf("it never came to where it was to die\n%s", &p.log)
		case <-next.C:
			again()
		}
	}
}

// stop ends it as an operator does, and demands that it ends in order.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it stopped with %v\n%s", err, &p.log)
	}
	p.cmd = nil
}
