package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// victim, when set, is the database that this process inserts into until it is killed.
const victim = "PEAL_SQLITE_TEST_VICTIM"

func runVictim(path string) error {
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		return err
	}
	webhooks, version, err := store.RoutesSince(context.Background(), 0)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	failed := make(chan error, 1)
	for range 8 {
		go func() {
			node := peal.NewNodeID()
			if _, err := store.RegisterNode(context.Background(), peal.Node{ID: node}); err != nil {
				failed <- err
				return
			}
			for {
				in := insertion(webhooks[0], 1000)
				id := in.Deliveries[0].ID
				_, err := store.Insert(context.Background(), node, version, []peal.Insertion{in})
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println("inserted", id)
				mu.Unlock()
				if err := store.Settle(context.Background(), node, []peal.Settlement{{
					Attempt:   peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: time.Now()},
					WebhookID: webhooks[0].ID, Status: peal.Success, Tries: 1, SettledAt: time.Now(),
				}}); err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println("settled", id)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]string{}
	for round := range 5 {
		killAfter(t, path, 50+61*round, acknowledged)
		store := open(t, sqlite.Options{Path: path})
		for text, said := range acknowledged {
			id, err := peal.ParseDeliveryID(text)
			if err != nil {
				t.Fatal(err)
			}
			d, err := store.Delivery(t.Context(), webhook.Tenant, id)
			if err != nil {
				t.Fatalf("round %d: acknowledged as %s: %v", round, said, err)
			}
			if said == "settled" && (d.Status != peal.Success || d.Attempts != 1) {
				t.Fatalf("round %d: acknowledged as settled, but it is %s with %d attempts", round, d.Status, d.Attempts)
			}
			if _, err := store.Event(t.Context(), webhook.Tenant, d.EventID); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d deliveries were acknowledged", len(acknowledged))
}

// killAfter runs a victim, notes what it says, and kills it at a line.
func killAfter(t *testing.T, path string, lines int, acknowledged map[string]string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), victim+"="+path)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(output)
	for n := 0; scanner.Scan(); n++ {
		if n == 0 {
			_, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
			if want := fmt.Sprintf("process %d;", command.Process.Pid); peal.CodeOf(err) != peal.Conflict || !strings.Contains(err.Error(), want) {
				t.Errorf("opening beside the other process: %v, want a conflict with %q", err, want)
			}
		}
		if n == lines {
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		// What was still in the pipe at the kill was acknowledged too.
		if said, id, ok := strings.Cut(scanner.Text(), " "); ok && len(id) == len("delivery_01m803gse9e44sahdhsmeyaqyr") {
			acknowledged[id] = said
		}
	}
	if err := command.Wait(); err == nil || command.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the other process was not killed, it ended: %v", command.ProcessState)
	}
}
