package server_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/pgtest"
)

func freePort(t *testing.T) int {
	t.Helper()
	_, text, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// The primary dies under load and its standby takes its place: nodes with the addresses of both
// continue by themselves, and every event that was answered with 202 arrives. Then the new primary
// takes no changes for a while, as one that is being demoted does, while the nodes are connected to
// it.
func TestFailoverLosesNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	primary, err := pgtest.Start(pgtest.Options{Durable: true, Port: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	stopAfter(t, primary)
	standby, err := primary.Standby(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	stopAfter(t, standby)
	url := pgtest.TCP("postgres", primary, standby)
	c := newCluster(t, 2, func(int) string { return url })
	stop := c.publish(t)
	c.awaitMore(t, 50)

	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, node := range c.clients {
		awaitRefusal(t, node, "")
	}
	begun := time.Now()
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	c.awaitMore(t, 50)
	took := time.Since(begun)

	// Sessions end with a restart only; that of the demoted server is left out here.
	pgtest.Exec(t, standby.URL("postgres"), "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	for _, node := range c.clients {
		awaitRefusal(t, node, "the database is read-only")
	}
	pgtest.Exec(t, standby.URL("postgres"), "SET default_transaction_read_only = off", "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
	c.awaitMore(t, 50)

	accepted := stop()
	c.oracle.await(t, accepted)
	awaitSettled(t, c.clients[0])
	c.checkUnharmed(t)
	t.Logf("%d events accepted, %d arrivals; sending again %v after the promotion began", len(accepted), c.oracle.count(), took)
}
