package server_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/testkit"
)

// A first signal lets a request under way end and be written down; the next start
// finds nothing left to do.
func TestSignalStopsGracefully(t *testing.T) {
	node, c, slow := slowDelivery(t)
	signal(t, node)
	awaitClosed(t, node.address)
	close(slow.release)
	if err := node.cmd.Wait(); err != nil {
		t.Fatalf("it stopped with %v\n%s", err, &node.log)
	}
	node.start(t)
	awaitSettled(t, c)
	node.stop(t)
	if n := len(slow.arrived); n != 0 {
		t.Errorf("the delivery was sent again %d times", n)
	}
}

// A second signal does not wait; the next start sends again what was broken off.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	node, c, slow := slowDelivery(t)
	signal(t, node)
	awaitClosed(t, node.address)
	signal(t, node)
	err := node.cmd.Wait()
	if status, ok := node.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it stopped with %v", err)
	}
	close(slow.release)
	node.start(t)
	awaitArrival(t, slow)
	awaitSettled(t, c)
	node.stop(t)
}

// slowEndpoint answers when it is released.
type slowEndpoint struct {
	arrived chan struct{}
	release chan struct{}
}

// slowDelivery returns a server with a request in flight that its endpoint does not answer yet.
func slowDelivery(t *testing.T) (*process, *client.Client, *slowEndpoint) {
	t.Helper()
	slow := &slowEndpoint{arrived: make(chan struct{}, 10), release: make(chan struct{})}
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		slow.arrived <- struct{}{}
		<-slow.release
	}))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { // Close waits for the handlers, also when the test has failed
		select {
		case <-slow.release:
		default:
			close(slow.release)
		}
	})
	node := &process{program: buildPeal(t), data: t.TempDir(), address: freeAddress(t)}
	node.start(t)
	t.Cleanup(func() { node.kill(t) })
	c := connect(t, "http://"+node.address, operatorKey)
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &receiver.URL, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Publish(t.Context(), client.NewEvent{Type: "slow.test", Data: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	awaitArrival(t, slow)
	return node, c, slow
}

func awaitArrival(t *testing.T, slow *slowEndpoint) {
	t.Helper()
	select {
	case <-slow.arrived:
	case <-time.After(patience):
		t.Fatal("nothing has arrived")
	}
}

func signal(t *testing.T, node *process) {
	t.Helper()
	if err := node.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// awaitClosed waits until nobody listens any more: the stop has started.
func awaitClosed(t *testing.T, address string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return nil
		}
		connection.Close()
		return errors.New("it still listens")
	})
}
