package dashboard_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/testkit"
)

// TestStreamBehindNginx reads the live list through an nginx with its default settings: the first
// bytes, a row and the sign of life after a silence arrive while the stream continues.
func TestStreamBehindNginx(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // Debian's, outside PATH
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("nginx is not installed: scripts/test-deps installs it")
	}
	d := newDoorway(t)
	d.pages.BeatAfter(100 * time.Millisecond)
	hook, who := d.hook("acme"), d.signIn("ann", "acme", peal.RoleEditor)

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	dir := t.TempDir()
	settings := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
	server { listen %[2]s; location / { proxy_pass %[3]s; } }
}
`, dir, address, d.url)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	nginx := exec.Command(program, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf"))
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nginx.Process.Kill()
		nginx.Wait()
	})

	const patience = 30 * time.Second
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var response *http.Response
	testkit.Eventually(t, func() error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/t/acme/deliveries/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", who.cookie)
		response, err = transport.RoundTrip(r)
		return err
	})
	defer response.Body.Close()
	late := time.AfterFunc(patience, func() { response.Body.Close() })
	defer late.Stop()
	stream := bufio.NewReader(response.Body)
	await := func(what string) {
		t.Helper()
		for {
			line, err := stream.ReadString('\n')
			if err != nil {
				t.Fatalf("%s does not come: %v", what, err)
			}
			if strings.Contains(line, what) {
				return
			}
		}
	}
	await(": begun")
	await(": still here")
	await(d.deliver(hook).String())
}
