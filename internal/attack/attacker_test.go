package attack_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
)

// attackerVariable is the environment variable that makes this program the attackers'.
const attackerVariable = "PEAL_TEST_ATTACKER"

// plan is the input of the attackers' program.
type plan struct {
	Address string // of the server
	Key     string // of the hostile tenant, with all scopes
	Tenant  string // its name
	Cookie  string // of a session of its portal
	Source  string // the path of its source
}

// start runs the attacks in a separate program and returns when they have started; stop ends them
// and returns the answers. Real attackers have their own machines, so here they get only the
// processor time that the server and its neighbours leave.
func (p *plan) start(t *testing.T) (stop func() *answers) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	program := atIdlePriority(os.Args[0])
	program.Env = append(os.Environ(), attackerVariable+"="+string(text))
	program.Stderr = os.Stderr
	input, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReader(output)
	if line, err := answer.ReadString('\n'); err != nil || line != "begun\n" {
		program.Process.Kill()
		program.Wait()
		t.Fatalf("the attackers do not begin: %q, %v", line, err)
	}
	return func() *answers {
		t.Helper()
		input.Close()
		var a answers
		if err := json.NewDecoder(answer).Decode(&a); err != nil {
			t.Errorf("the attackers do not report: %v", err)
		}
		if err := program.Wait(); err != nil {
			t.Errorf("the attackers ended with %v", err)
		}
		return &a
	}
}

// atIdlePriority returns a command that runs a program with all its threads at the lowest
// priority of the system. A niceness set after the start would reach one thread only.
func atIdlePriority(program string) *exec.Cmd {
	if chrt, err := exec.LookPath("chrt"); err == nil { // SCHED_IDLE: any other program preempts it at once
		return exec.Command(chrt, "--idle", "0", program)
	}
	return exec.Command("nice", "-n", "19", program)
}

// attackFrom is the attackers' program: it attacks until its standard input ends.
func attackFrom(text string) (code int) {
	var p plan
	chosen, err := selected()
	if err == nil {
		err = json.Unmarshal([]byte(text), &p)
	}
	endpoint, end := "", func() {}
	if err == nil {
		endpoint, end, err = badEndpoints()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer end()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s := &target{address: p.Address, url: "http://" + p.Address}
	s.http = &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h := &hostile{
		s: s, preparing: &caller{s: s, key: operatorKey, tenant: p.Tenant}, key: &caller{s: s, key: p.Key}, portal: &caller{s: s, cookie: p.Cookie}, stranger: &caller{s: s}, source: p.Source, endpoint: endpoint,
		answers: answers{Counts: map[string]map[int]int{}, Sample: map[string]string{}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.prepare(ctx, chosen)
	h.preparing = nil
	wait := h.attack(ctx, chosen)
	fmt.Println("begun")
	io.Copy(io.Discard, os.Stdin)
	cancel()
	wait()
	if err := json.NewEncoder(os.Stdout).Encode(&h.answers); err != nil {
		return 1
	}
	return 0
}
