package server_test

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/longtest"
)

// usualCut is the default duration of a network cut (see PEAL_TEST_CUT): longer than the others
// need to take over.
const usualCut = 13 * time.Second

func cutTime(t *testing.T) time.Duration {
	return longtest.Time(t, "PEAL_TEST_CUT", usualCut, usualCut, time.Minute)
}

// network is one between a node and PostgreSQL that can be cut: what is under way
// vanishes then, nothing is refused or closed.
type network struct {
	listener net.Listener
	socket   string // of PostgreSQL
	running  sync.WaitGroup

	mu    sync.Mutex
	cut   chan struct{} // closed when it is mended; nil while it is whole
	conns []net.Conn
}

// newNetwork returns a network to a database, and the database's URL through it.
func newNetwork(t *testing.T, database string) (*network, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	n := &network{listener: listener, socket: filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))}
	n.running.Go(n.accept)
	t.Cleanup(func() {
		listener.Close()
		n.mend()
		n.mu.Lock()
		for _, conn := range n.conns {
			conn.Close()
		}
		n.mu.Unlock()
		n.running.Wait()
	})
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	query.Set("host", host)
	query.Set("port", port)
	u.RawQuery = query.Encode()
	return n, u.String()
}

func (n *network) accept() {
	for {
		node, err := n.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", n.socket)
		if err != nil {
			node.Close()
			continue
		}
		n.mu.Lock()
		n.conns = append(n.conns, node, server)
		n.mu.Unlock()
		n.running.Go(func() { n.carry(node, server) })
		n.running.Go(func() { n.carry(server, node) })
	}
}

// carry copies what one side says, and loses it while the network is cut.
func (n *network) carry(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 64<<10)
	lost := false
	for {
		got, err := from.Read(buffer)
		if cut := n.isCut(); cut != nil {
			<-cut
			lost = true
		}
		if err != nil || lost { // a stream with a gap is none
			return
		}
		if _, err := to.Write(buffer[:got]); err != nil && err != io.EOF {
			return
		}
	}
}

func (n *network) isCut() chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

func (n *network) cutNow() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = make(chan struct{})
}

func (n *network) mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut != nil {
		close(n.cut)
		n.cut = nil
	}
}

// lease is the time that a node sends after its last renewal, with an allowance for a busy machine.
const lease = 8 * time.Second

// One of two nodes loses its network to PostgreSQL: it sends nothing after its lease, the other one
// does its work, and both continue without a restart when the network is back.
func TestCutOffNodeSendsNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	database := sharedPostgres.Database(t)
	cable, far := newNetwork(t, database)
	c := newCluster(t, 2, func(node int) string { return []string{database, far}[node] })
	stop := c.publish(t)
	for c.oracle.by("n1") < 20 {
		time.Sleep(10 * time.Millisecond) // until both nodes send
	}
	cable.cutNow()
	cut := time.Now()
	time.Sleep(lease)
	fenced := c.oracle.by("n1")
	time.Sleep(cutTime(t) - time.Since(cut))
	if sent := c.oracle.by("n1") - fenced; sent > 0 {
		t.Errorf("the node that was cut off sent %d requests after its lease", sent)
	}
	cable.mend()
	c.nodes[1].awaitReady(t)
	for before := c.oracle.by("n1"); c.oracle.by("n1") == before; {
		time.Sleep(10 * time.Millisecond) // until it sends again
	}
	accepted := stop()
	c.oracle.await(t, accepted)
	awaitSettled(t, c.clients[0])
	t.Logf("%d events accepted, %d arrivals, %d from the node that was cut off", len(accepted), c.oracle.count(), c.oracle.by("n1"))
}

// by counts what a node has sent.
func (o *oracle) by(node string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, processes := range o.arrivals {
		for _, process := range processes {
			if strings.HasPrefix(process, node) {
				n++
			}
		}
	}
	return n
}
