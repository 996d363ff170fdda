package server_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/pgtest"
)

// subnet is a network of two machines: this one has .1, the other one .2.
type subnet string

func (s subnet) all() string   { return string(s) + ".0/24" }
func (s subnet) here() string  { return string(s) + ".1" }
func (s subnet) there() string { return string(s) + ".2" }

// freeSubnets are two of the networks for documentation and measurements (RFC 5737,
// RFC 2544) that this machine is not in.
func freeSubnets(t *testing.T) (first, second subnet) {
	t.Helper()
	used, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	free := slices.DeleteFunc([]subnet{"203.0.113", "198.51.100", "198.18.113", "198.19.113", "192.0.2"}, func(s subnet) bool {
		return slices.ContainsFunc(used, func(a net.Addr) bool {
			ip, ok := a.(*net.IPNet)
			return ok && ip.Contains(net.ParseIP(s.there())) || strings.HasPrefix(a.String(), string(s)+".")
		})
	})
	if len(free) < 2 {
		t.Fatalf("this machine is in all the networks that the test could use: %v", used)
	}
	return free[0], free[1]
}

// machine is another machine, made of a network namespace, with a cable to the database
// and one to everything else.
type machine struct {
	name, cable          string
	toDatabase, toOthers subnet
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Fatal("the program ip is not installed, with which this test makes network namespaces: run scripts/test-deps, or install Debian's package iproute2")
	}
	number := strconv.Itoa(os.Getpid())
	m := &machine{name: "peal" + number, cable: "peald" + number}
	m.toDatabase, m.toOthers = freeSubnets(t)
	if out, err := exec.Command("ip", "netns", "add", m.name).CombinedOutput(); err != nil {
		why := fmt.Sprintf("needs the right to make network namespaces, as root has it: %v\n%s", err, out)
		if os.Getenv("PEAL_TEST_CUT") != "" {
			t.Fatal(why) // it was asked for
		}
		t.Skip(why)
	}
	t.Cleanup(func() { ip(t, "netns", "del", m.name) }) // its ends of the cables, and so the others
	m.connect(t, m.cable, "eth0", m.toDatabase)
	m.connect(t, "peale"+number, "eth1", m.toOthers)
	// What would go through the cable must not go elsewhere while it is cut.
	ip(t, "route", "add", "blackhole", m.toDatabase.all(), "metric", "4000")
	t.Cleanup(func() { ip(t, "route", "del", "blackhole", m.toDatabase.all(), "metric", "4000") })
	return m
}

// connect lays a cable: here is the name of this machine's end, there that of the other's.
func (m *machine) connect(t *testing.T, here, there string, network subnet) {
	t.Helper()
	ip(t, "link", "add", here, "type", "veth", "peer", "name", there, "netns", m.name)
	ip(t, "address", "add", network.here()+"/24", "dev", here)
	ip(t, "link", "set", here, "up")
	ip(t, "-n", m.name, "address", "add", network.there()+"/24", "dev", there)
	ip(t, "-n", m.name, "link", "set", there, "up")
}

// ip runs the program that sets up networks.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// One of two machines loses its cable to PostgreSQL and keeps the one to the endpoints: it sends
// nothing after its lease and refuses events, the other one does its work, and both continue
// without a restart when the cable is back.
func TestMachineWithoutDatabaseSendsNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	m := newMachine(t)
	database, err := pgtest.Start(pgtest.Options{Port: freePort(t), Network: m.toDatabase.here() + "/24"})
	if err != nil {
		t.Fatal(err)
	}
	stopAfter(t, database)
	allow := []string{"--egress-allow", "127.0.0.0/8," + m.toOthers.all()}
	near := newNode(t, 0, freeAddress(t), database.URL("postgres"))
	far := newNode(t, 1, net.JoinHostPort(m.toOthers.there(), "8420"), pgtest.TCP("postgres", database))
	near.args, far.args, far.within = allow, allow, []string{"ip", "netns", "exec", m.name}
	c := startCluster(t, newOracleAt(t, m.toOthers.here()), near, far)
	stop := c.publish(t)
	c.awaitMore(t, 20)

	ip(t, "link", "set", m.cable, "down")
	cut := time.Now()
	awaitRefusal(t, c.clients[1], "")
	refused := time.Since(cut)
	time.Sleep(lease - time.Since(cut))
	fenced, others := c.oracle.by("n1"), c.oracle.by("n0")
	time.Sleep(cutTime(t) - time.Since(cut))
	awaitRefusal(t, c.clients[1], "") // through the cable that leads to the endpoint
	if sent := c.oracle.by("n1") - fenced; sent > 0 {
		t.Errorf("the machine without a database sent %d requests after its lease", sent)
	}
	if c.oracle.by("n0") == others {
		t.Error("the other one has sent nothing meanwhile")
	}
	ip(t, "link", "set", m.cable, "up")
	mended := time.Now()
	c.awaitMore(t, 1)
	back := time.Since(mended)
	accepted := stop()
	c.oracle.await(t, accepted)
	awaitSettled(t, c.clients[0])
	c.checkUnharmed(t)
	t.Logf("%d events accepted, %d arrivals, %d from the machine without a database, which refused events %v after the cut and sent again %v after its end",
		len(accepted), c.oracle.count(), c.oracle.by("n1"), refused, back)
}
