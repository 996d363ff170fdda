// Package pgtest starts throw-away PostgreSQL clusters for tests, out of the
// programs that are installed, and ends them with the test process.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options configure a cluster.
type Options struct {
	// Durable makes the server sync its files, as is its default. Without it tests are fast, but a
	// crash of the machine (not of the server) loses data.
	Durable bool
	// Port is an additional port to listen on; 0 for the socket alone.
	Port int
	// Network is the address of the port, with the network that may connect to it, such as
	// 192.0.2.1/24; "" for 127.0.0.1.
	Network string
	// Dir is the parent of the cluster's directory; "" for the directory of temporary files.
	Dir string
	// Settings are additional settings of the server.
	Settings map[string]string
}

// Cluster is a running server with its own files.
type Cluster struct {
	dir, bin string
	options  Options
	as       *syscall.Credential
	process  *process
}

const startTimeout = 60 * time.Second

// Start creates a cluster in a new directory and starts its server, which ends at the latest with
// this process. Stop removes the files.
func Start(options Options) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(options.Dir, "pealpg")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, options: options}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// programs finds the directory of the server's programs, which Debian keeps outside PATH.
func programs() (string, error) {
	if path, err := exec.LookPath("pg_config"); err == nil {
		if out, err := exec.Command(path, "--bindir").Output(); err == nil {
			dir := strings.TrimSpace(string(out))
			if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
				return dir, nil
			}
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("PostgreSQL's server is not installed, which this test starts: run scripts/test-deps, or install Debian's package postgresql")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// version returns the number in a path such as /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for any other directory
	return n
}

func (c *Cluster) start() error {
	if os.Getuid() == 0 { // the server refuses to run as root
		as, err := unprivileged()
		if err != nil {
			return err
		}
		c.as = as
		if err := os.Chown(c.dir, int(as.Uid), int(as.Gid)); err != nil {
			return err
		}
	}
	args := []string{"-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"}
	if !c.options.Durable {
		args = append(args, "--no-sync")
	}
	initdb := exec.Command(filepath.Join(c.bin, "initdb"), args...)
	initdb.Dir = c.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if c.options.Network != "" {
		if err := c.admit(c.options.Network); err != nil {
			return err
		}
	}
	return c.Restart()
}

// admit allows connections from a network.
func (c *Cluster) admit(network string) error {
	file, err := os.OpenFile(filepath.Join(c.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "host all all %s trust\n", network)
	return errors.Join(err, file.Close())
}

func (c *Cluster) host() string {
	if c.options.Network == "" {
		return "127.0.0.1"
	}
	host, _, _ := strings.Cut(c.options.Network, "/")
	return host
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Restart starts the server after Kill, and waits until it answers.
func (c *Cluster) Restart() error {
	args := []string{"-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=200"}
	if c.options.Port != 0 {
		args = append(args, "-c", "listen_addresses="+c.host(), "-p", strconv.Itoa(c.options.Port))
	}
	if !c.options.Durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	for name, value := range c.options.Settings {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), args...)
	cmd.Dir = c.dir
	// Without these the server would take settings from the environment of the tests.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	log := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = log, log
	c.process = launch(cmd)
	if err := <-c.process.begun; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	return c.await(log)
}

// await waits until the server accepts connections.
func (c *Cluster) await(log *bytes.Buffer) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.process.ended:
			return fmt.Errorf("postgres ended at once:\n%s", log)
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL returns the URL of a database of the cluster for its superuser, by the socket.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{"host": {c.dir},
		"port": {strconv.Itoa(c.port())}, "user": {"postgres"}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

func (c *Cluster) port() int {
	if c.options.Port != 0 {
		return c.options.Port
	}
	return 5432
}

// Dir returns the directory of the cluster's socket and files.
func (c *Cluster) Dir() string { return c.dir }

// Own changes the owner of a file to the server's user.
func (c *Cluster) Own(path string) error {
	if c.as == nil {
		return nil
	}
	return os.Chown(path, int(c.as.Uid), int(c.as.Gid))
}

// Kill ends the server at once, as if its machine had lost power: what it has not
// written is lost. It returns when the server is gone.
func (c *Cluster) Kill() error { return c.end(syscall.SIGQUIT) }

func (c *Cluster) end(signal syscall.Signal) error {
	if c.process == nil {
		return nil
	}
	p := c.process
	c.process = nil
	return p.end(signal)
}

// Stop ends the server and takes its files away.
func (c *Cluster) Stop() error { return errors.Join(c.end(syscall.SIGQUIT), os.RemoveAll(c.dir)) }

// process is a program that ends with this one. The system sends the death signal
// when the thread ends that started it: that thread is kept.
type process struct {
	begun chan error
	quit  chan syscall.Signal
	ended chan struct{}
}

func launch(cmd *exec.Cmd) *process {
	p := &process{begun: make(chan error, 1), quit: make(chan syscall.Signal, 1), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.begun <- err
		if err != nil {
			return
		}
		exited := make(chan struct{})
		go func() {
			defer close(exited)
			_ = cmd.Wait() // that it ended is all that matters
		}()
		select {
		case signal := <-p.quit:
			_ = cmd.Process.Signal(signal) // it may have ended meanwhile
			<-exited
		case <-exited:
		}
	}()
	return p
}

func (p *process) end(signal syscall.Signal) error {
	p.quit <- signal
	<-p.ended
	return nil
}
