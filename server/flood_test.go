package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
)

// floodedMemory is the largest memory of the server under the floods of TestFloods, in bytes: the
// budgets of bodies and heads are 64 MiB each, four passwords take 76 MiB.
const floodedMemory = 300 << 20

// TestFloods attacks a server in every way that needs no key, or one of a tenant's: slow
// bodies, fat forms, endless heads, passwords and lists of signatures. Meanwhile another
// tenant publishes, and each of its events is taken.
func TestFloods(t *testing.T) {
	program, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	node := &process{program: program, data: t.TempDir(), address: freeAddress(t)}
	node.start(t)
	t.Cleanup(func() { node.kill(t) })
	operator := connect(t, "http://"+node.address, operatorKey)
	keyOf := func(tenant string) string {
		t.Helper()
		key, err := operator.ForTenant(tenant).CreateKey(t.Context(), client.KeyRequest{Name: "k", Scopes: []string{"publish"}})
		if err != nil {
			t.Fatal(err)
		}
		return key.Key
	}
	hostile, other := keyOf("hostile"), keyOf("other")
	source, err := operator.ForTenant("hostile").CreateSource(t.Context(), client.SourceCreateRequest{
		Name: "in", SourceRequest: client.SourceRequest{Format: new("standard"), Secret: new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")},
	})
	if err != nil {
		t.Fatal(err)
	}

	var lines strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&lines, "%x:\r\n", i)
	}
	post := func(path, header string, length int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n", path, header, length)
	}
	chunked := func(path, header string, bytes int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", path, header, bytes, strings.Repeat("x", bytes))
	}
	const form, json = "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: application/json\r\n"
	bearer := "Authorization: Bearer " + hostile + "\r\n"
	standard := "webhook-id: m\r\nwebhook-timestamp: " + strconv.FormatInt(time.Now().Unix(), 10) + "\r\nwebhook-signature:" + strings.Repeat(" v1,"+strings.Repeat("A", 43)+"=", 600) + "\r\n"
	signed := post("/in/"+source.ID, standard, 250_000) + strings.Repeat("x", 250_000)
	var password strings.Builder
	password.WriteString(post("/login", form, 40) + "name=" + strings.Repeat("n", 15) + "&password=" + strings.Repeat("p", 10))

	ended := make(chan struct{})
	var floods sync.WaitGroup
	flood := func(connections int, request string, again bool) {
		for range connections {
			floods.Go(func() {
				for {
					conn, err := net.Dial("tcp", node.address)
					if err != nil {
						return
					}
					go func() {
						io.WriteString(conn, request)
						if again { // as fast as it is answered
							io.Copy(io.Discard, io.LimitReader(conn, 1))
							conn.Close()
						}
					}()
					gone := make(chan struct{})
					go func() {
						io.Copy(io.Discard, conn)
						close(gone)
					}()
					select {
					case <-ended:
						conn.Close()
						<-gone
						return
					case <-gone: // cut off: come back, but leave the machine to others
						conn.Close()
					}
					select {
					case <-ended:
						return
					case <-time.After(50 * time.Millisecond):
					}
				}
			})
		}
	}
	flood(100, chunked("/login", form, 2<<20), false)
	flood(100, post("/login", form, 16<<10)+"name=", false)
	flood(50, password.String(), true)
	flood(200, post("/in/"+source.ID, standard, 250_000)+"x", false)
	flood(100, chunked("/in/"+source.ID, standard, 200_000), false)
	flood(50, post("/v1/events/batch", bearer+json, 8<<20)+strings.Repeat("x", 1<<20), false)
	flood(50, post("/v1/events", bearer+json, 200_000)+"{", false)
	flood(100, "GET / HTTP/1.1\r\nHost: x\r\n"+lines.String(), false)
	flood(4, signed, true)
	defer floods.Wait()
	defer close(ended)

	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	defer transport.CloseIdleConnections()
	var publishers sync.WaitGroup
	took := make(chan time.Duration, 40)
	for range 4 {
		publishers.Go(func() {
			for range cap(took) / 4 {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+node.address+"/v1/events", strings.NewReader(`{"type":"a.b","data":{}}`))
				if err != nil {
					t.Error(err)
					return
				}
				request.Header = http.Header{"Authorization": {"Bearer " + other}, "Content-Type": {"application/json"}}
				begun := time.Now()
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Errorf("publish: %v", err)
					return
				}
				text, _ := io.ReadAll(response.Body)
				if response.Body.Close(); response.StatusCode != http.StatusAccepted {
					t.Errorf("publish: %d %s", response.StatusCode, text)
				}
				took <- time.Since(begun)
			}
		})
	}
	publishers.Wait()
	close(took)
	var all []time.Duration
	for one := range took {
		all = append(all, one)
	}
	slices.Sort(all)
	if len(all) > 0 {
		t.Logf("publishing took %v in the middle, %v at most; the server took %d MiB at most", all[len(all)/2], all[len(all)-1], peakMemory(t, node.cmd.Process.Pid)>>20)
	}
	if peak := peakMemory(t, node.cmd.Process.Pid); peak > floodedMemory {
		t.Errorf("the server took %d MiB, at most %d MiB are stated", peak>>20, floodedMemory>>20)
	}
}

// peakMemory returns the most memory that a process has had resident, in bytes; 0 where the
// system does not tell.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
