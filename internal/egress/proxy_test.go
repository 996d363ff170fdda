package egress_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// programs are real proxies, from Debian's packages: how each is started on a port
// with the user "vikunja" and the password "hunter2", and the schemes of its URL.
var programs = map[string]struct {
	command string
	schemes []string
	start   func(t *testing.T, program, dir, port string) *exec.Cmd
}{
	"tinyproxy": {"tinyproxy", []string{"http"}, func(t *testing.T, program, dir, port string) *exec.Cmd {
		config := writeFile(t, dir, "tinyproxy.conf", "Port "+port+"\nListen 127.0.0.1\nTimeout 30\nMaxClients 20\nBasicAuth vikunja hunter2\nDisableViaHeader Yes\n")
		return exec.Command(program, "-d", "-c", config)
	}},
	"squid": {"squid", []string{"http"}, func(t *testing.T, program, dir, port string) *exec.Cmd {
		passwords := writeFile(t, dir, "passwords", "vikunja:$apr1$peal$G4t4q0DG2Z4oYoL8H4Y5W1\n")
		out, err := exec.Command("openssl", "passwd", "-apr1", "hunter2").Output()
		if err != nil {
			t.Skip("openssl makes no password: ", err)
		}
		writeFile(t, dir, "passwords", "vikunja:"+string(out))
		config := writeFile(t, dir, "squid.conf", "http_port 127.0.0.1:"+port+"\npid_filename none\ncache deny all\naccess_log none\ncache_log /dev/null\ncache_store_log none\n"+
			"coredump_dir "+dir+"\nshutdown_lifetime 0 seconds\nworkers 1\npinger_enable off\nnetdb_filename none\nmax_filedescriptors 1024\n"+
			"auth_param basic program /usr/lib/squid/basic_ncsa_auth "+passwords+"\nauth_param basic children 1\n"+
			"acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n")
		return exec.Command(program, "-N", "-f", config)
	}},
	"microsocks": {"microsocks", []string{"socks5", "socks5h"}, func(_ *testing.T, program, _, port string) *exec.Cmd {
		return exec.Command(program, "-i", "127.0.0.1", "-p", port, "-u", "vikunja", "-P", "hunter2")
	}},
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// startProxy starts a program and waits until it listens.
func startProxy(t *testing.T, name string) (address string) {
	t.Helper()
	p := programs[name]
	program, err := exec.LookPath(p.command)
	if err != nil {
		program = "/usr/sbin/" + p.command
		if _, err := os.Stat(program); err != nil {
			t.Skip(p.command + " is not installed; scripts/test-deps installs it")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	dir := t.TempDir()
	if u, err := user.Current(); err == nil && u.Uid == "0" { // squid drops its privileges
		if err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := p.start(t, program, dir, port)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address
		}
		select {
		case <-again.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended with %v:\n%s", name, err, said.String())
		}
	}
}

// TestProxies goes through real proxies to endpoints with and without TLS.
func TestProxies(t *testing.T) {
	known := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}}
	names := serveNames(t)
	names.set("inside.test", "127.0.0.2")
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startProxy(t, name)
			leaked := make(chan string, 100)
			serve := func(c *conn) {
				for {
					r := c.read()
					if r == nil {
						return
					}
					leaked <- r.Header.Get("Proxy-Authorization")
					if c.write(accepted) != nil {
						return
					}
				}
			}
			plain, secured := receive(t, serve), receive(t, secure(config, serve))
			for _, scheme := range p.schemes {
				through := func(credentials string) *egress.Client {
					return newClient(t, func(o *egress.Options) {
						o.Proxy, o.RootCAs, o.Resolver = scheme+"://"+credentials+address, known.pool(), names.resolver()
					})
				}
				good := through("vikunja:hunter2@")
				for _, u := range []string{plain.url, "https://" + secured.addr + "/hook"} {
					for range 2 {
						a := post(t, good, u, ample)
						want(t, a, "")
						if a.StatusCode != 204 || strings.Contains(a.Address+a.Error, address) {
							t.Errorf("%s %s: status %d, address %q: %s", scheme, u, a.StatusCode, a.Address, a.Error)
						}
						if got := <-leaked; got != "" && name != "tinyproxy" { // which passes it on to http:// endpoints, as docs/security.md warns
							t.Errorf("the endpoint was told %q", got)
						}
					}
				}
				before, _ := plain.counts()
				for _, u := range []string{plain.url, "https://" + secured.addr + "/hook"} {
					a := post(t, through("vikunja:wrong@"), u, ample)
					if name == "tinyproxy" && u == plain.url && a.StatusCode == 401 {
						continue // its answer looks like the endpoint's
					}
					want(t, a, peal.ReasonProxy, "outgoing proxy")
					if strings.Contains(a.Error, "wrong") || strings.Contains(a.Error, address) {
						t.Errorf("tells too much: %s", a.Error)
					}
				}
				// The guard checks the target, even if the proxy dials.
				for _, u := range []string{"http://127.0.0.2:1/", "https://inside.test/", "http://localhost.:1/x", "http://[::1]:1/", "http://2130706433/", "http://0x7f.1/", "http://169.254.169.254/"} {
					if a := post(t, good, u, ample); a.Reason != peal.ReasonBlocked && !(u == "http://localhost.:1/x" && a.Reason != "") {
						t.Errorf("%s %s ended with %q: %s", scheme, u, a.Reason, a.Error)
					}
				}
				if after, _ := plain.counts(); after > before+1 {
					t.Errorf("%d connections came after a refusal", after-before)
				}
				// Nobody at home behind the proxy: it is the endpoint's trouble.
				a := post(t, good, "https://127.0.0.1:1/", ample)
				want(t, a, peal.ReasonUnreachable, "the outgoing proxy could not connect to it")
			}
		})
	}
}

// An HTTP proxy as Vikunja's and Smokescreen are: the password travels as Basic
// authentication, on CONNECT and on plain requests, and a denial names its reason.
func TestProxyConventions(t *testing.T) {
	heads := make(chan *http.Request, 10)
	answer := ""
	proxy := receive(t, func(c *conn) {
		r, err := http.ReadRequest(bufio.NewReader(c.reader))
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		heads <- r
		c.write(answer)
	})
	client := newClient(t, func(o *egress.Options) { o.Proxy = "http://vikunja:p%40ss@" + proxy.addr })
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("vikunja:p@ss"))
	for name, c := range map[string]struct {
		url, answer string
		line        string
		reason      peal.Reason
		says        string
	}{
		"plain":                {"http://127.0.0.1:9/hook?a=b", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "POST http://127.0.0.1:9/hook?a=b", "", ""},
		"CONNECT, denied":      {"https://127.0.0.1:9/hook", "HTTP/1.1 407 Proxy Authentication Required\r\nX-Smokescreen-Error: egress proxying is denied: host matched rule\r\nContent-Length: 0\r\n\r\n", "CONNECT 127.0.0.1:9", peal.ReasonBlocked, "refused it: egress proxying is denied: host matched rule"},
		"plain, denied":        {"http://127.0.0.1:9/hook", "HTTP/1.1 407 Request Rejected by Proxy\r\nX-Smokescreen-Error: denied by rule\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "POST http://127.0.0.1:9/hook", peal.ReasonBlocked, "denied by rule"},
		"CONNECT, forbidden":   {"https://127.0.0.1:9/hook", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "CONNECT 127.0.0.1:9", peal.ReasonBlocked, "refused it with 403"},
		"CONNECT, credentials": {"https://127.0.0.1:9/hook", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "CONNECT 127.0.0.1:9", peal.ReasonProxy, "other credentials"},
		"CONNECT, no way":      {"https://127.0.0.1:9/hook", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "CONNECT 127.0.0.1:9", peal.ReasonUnreachable, "answered 502"},
	} {
		answer = c.answer
		a := post(t, client, c.url, ample)
		want(t, a, c.reason, c.says)
		r := <-heads
		if got := r.Header.Get("Proxy-Authorization"); got != basic {
			t.Errorf("%s: Proxy-Authorization is %q", name, got)
		}
		if got := fmt.Sprintf("%s %s", r.Method, r.RequestURI); got != c.line {
			t.Errorf("%s: asked for %q", name, got)
		}
		if strings.Contains(string(a.RequestHead)+a.Error, "p@ss") || strings.Contains(a.Address+a.Error, proxy.addr) {
			t.Errorf("%s: the record tells of the proxy: %+v", name, a)
		}
	}
	gone := newClient(t, func(o *egress.Options) { o.Proxy = "http://127.0.0.1:1" })
	want(t, post(t, gone, "http://127.0.0.1:9/", ample), peal.ReasonProxy, "it cannot be reached: connection refused")
}

func TestProxyOptions(t *testing.T) {
	for _, text := range []string{"proxy:3128", "ftp://proxy", "http://", "http://proxy/path", "http://proxy?x", "://", "socks4://proxy", "http://a b"} {
		options := egress.DefaultOptions()
		options.Proxy = text
		if _, err := egress.New(options); peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), "egress.proxy") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The operator's choice of the address that requests leave from.
func TestSourceAddress(t *testing.T) {
	from := make(chan string, 1)
	r := receive(t, func(c *conn) {
		c.read()
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		c.write(accepted)
	})
	client := newClient(t, func(o *egress.Options) { o.SourceAddress = netip.MustParseAddr("127.0.0.5") })
	a := post(t, client, r.url, ample)
	if a.Reason == peal.ReasonUnreachable {
		t.Skip("this system has no second loopback address")
	}
	want(t, a, "")
	if got := <-from; got != "127.0.0.5" {
		t.Errorf("came from %s", got)
	}
}

// Hosts of egress.no_proxy are judged and reached from here, all others through the proxy.
func TestNoProxyFor(t *testing.T) {
	r := receive(t, answering(accepted))
	server := serveNames(t)
	for _, name := range []string{"in.corp.test", "corp.test", "out.test"} {
		server.set(name, "127.0.0.1")
	}
	_, port, _ := net.SplitHostPort(r.addr)
	client := newClient(t, func(o *egress.Options) {
		o.Resolver, o.Proxy = server.resolver(), "http://127.0.0.1:1"
		o.NoProxy = []string{"*.corp.test", "127.0.0.0/30"}
		o.Deny = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	})
	for host, reason := range map[string]peal.Reason{
		"in.corp.test": "", "IN.CORP.TEST.": "", "127.0.0.1": "", // past it
		"corp.test": peal.ReasonProxy, "out.test": peal.ReasonProxy, // through it, which is not there
		"127.0.0.2": peal.ReasonBlocked, // past it, and judged
	} {
		if a := post(t, client, "http://"+host+":"+port+"/", ample); a.Reason != reason {
			t.Errorf("%s: %s: %s", host, a.Reason, a.Error)
		}
	}
	for _, text := range []string{"http://corp.test", "*", "10.0.0.0/33", "CORP.test", "::ffff:10.0.0.0/100"} {
		options := egress.DefaultOptions()
		options.NoProxy = []string{text}
		if _, err := egress.New(options); peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), "egress.no_proxy") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A proxy that is spoken to over TLS forwards http and connects to https, and its own TLS, tickets
// and all, is not taken for an endpoint's words.
func TestProxyOverTLS(t *testing.T) {
	known := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}}
	endpoint := receive(t, overTLS(config, answering(accepted)))
	proxy := receive(t, overTLS(config, func(c *conn) {
		for {
			r, err := http.ReadRequest(c.reader)
			if err != nil {
				return
			}
			if r.Method != http.MethodConnect {
				io.Copy(io.Discard, r.Body)
				c.write(accepted)
				continue
			}
			onward, err := net.Dial("tcp", r.RequestURI)
			if err != nil {
				return
			}
			c.write("HTTP/1.1 200 OK\r\n\r\n")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				io.Copy(c, onward)
			}()
			io.Copy(onward, c.reader)
			onward.Close()
			<-ended
			return
		}
	}))
	client := newClient(t, func(o *egress.Options) {
		o.Proxy, o.RootCAs = "https://"+proxy.addr, known.pool()
	})
	for _, url := range []string{"http://127.0.0.1:9/hook", "https://" + endpoint.addr + "/hook"} {
		for i := range 4 {
			a := post(t, client, url, ample)
			want(t, a, "")
			if a.Timing.Reused != (i > 0) {
				t.Errorf("%s: request %d: reused %v", url, i, a.Timing.Reused)
			}
		}
	}
	client.Close()
}
