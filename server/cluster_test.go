package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/longtest"
)

const (
	usualNodeKills = 2 // how often a node dies, unless PEAL_TEST_NODE_KILLS says otherwise
	longNodeKills  = 30
	takenOverIn    = 15 * time.Second // the time within which others continue a dead node's work
)

// cluster is several servers on one PostgreSQL.
type cluster struct {
	nodes   []*process
	clients []*client.Client
	oracle  *oracle
	webhook client.Webhook
}

// newCluster starts n servers on a database, and makes a webhook.
func newCluster(t *testing.T, n int, database func(node int) string) *cluster {
	t.Helper()
	nodes := make([]*process, n)
	for i := range nodes {
		nodes[i] = newNode(t, i, freeAddress(t), database(i))
	}
	return startCluster(t, newOracle(t), nodes...)
}

// newNode returns the server of a cluster with this number, not started yet.
func newNode(t *testing.T, number int, address, database string) *process {
	t.Helper()
	return &process{
		program: buildPeal(t), data: t.TempDir(), address: address, name: fmt.Sprintf("n%d", number),
		env: []string{"PEAL_DATABASE=" + database, "PEAL_ENCRYPTION_KEY=" + encryptionKey},
	}
}

// startCluster starts servers, and makes a webhook.
func startCluster(t *testing.T, oracle *oracle, nodes ...*process) *cluster {
	t.Helper()
	c := &cluster{oracle: oracle, nodes: nodes}
	var wg sync.WaitGroup
	for _, node := range nodes {
		c.clients = append(c.clients, connect(t, "http://"+node.address, operatorKey))
		t.Cleanup(func() { node.kill(t) })
		wg.Go(func() { node.start(t) })
	}
	wg.Wait()
	webhook, err := c.clients[0].CreateWebhook(t.Context(), client.WebhookRequest{
		URL: &c.oracle.url, Events: []string{"*"}, Headers: map[string]string{"X-Process": "{{PROCESS}}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.webhook = webhook.Webhook
	c.oracle.trust(webhook.Secret)
	return c
}

// publish starts publishers that stream events to all nodes. The function that it returns stops
// them and returns the ids that were accepted.
func (c *cluster) publish(t *testing.T) func() []string {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	acknowledged := make([][]string, len(c.clients))
	for i := range c.clients {
		wg.Go(func() { acknowledged[i] = publishStream(ctx, t, c.clients[i], i) })
	}
	return func() (accepted []string) {
		stop()
		wg.Wait()
		for _, ids := range acknowledged {
			accepted = append(accepted, ids...)
		}
		return accepted
	}
}

// One of three nodes is killed under load, again and again: no event that any of them accepted with
// 202 is lost, and the others continue its work.
func TestKilledNodesLoseNothing(t *testing.T) {
	t.Parallel() // it mostly waits for others to take over
	database := sharedPostgres.Database(t)
	c := newCluster(t, 3, func(int) string { return database })
	kills := longtest.Count(t, "PEAL_TEST_NODE_KILLS", 1, usualNodeKills, longNodeKills)
	stop := c.publish(t)
	for kill := range kills {
		time.Sleep(time.Duration(200+rand.IntN(500)) * time.Millisecond) // the random moment
		victim := c.nodes[kill%len(c.nodes)]
		victim.kill(t)
		if kill < kills-1 {
			victim.start(t)
		}
	}
	died := time.Now() // the last one does not come back: the others must do its work
	accepted := stop()
	c.oracle.await(t, accepted)
	awaitSettled(t, c.clients[kills%len(c.nodes)])
	took := time.Since(died)
	if took > takenOverIn {
		t.Errorf("the work of the node that died was done only after %v", took)
	}
	t.Logf("%d kills, %d events accepted, %d arrivals, all settled %v after the last kill", kills, len(accepted), c.oracle.count(), took)
	if len(accepted) < 10*kills {
		t.Errorf("only %d events were accepted: the stream was too thin to show anything", len(accepted))
	}
	c.oracle.mu.Lock()
	defer c.oracle.mu.Unlock()
	t.Logf("no event took longer than %v", c.oracle.longest)
	for _, fault := range c.oracle.faults {
		t.Error(fault)
	}
}
