package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
)

// node is a server in its own process, with temporary data.
type node struct {
	program   string
	directory string // its data and working directory
	kept      bool   // remove keeps the directory
	profile   string // the file for its CPU profile; "" for none
	key       string
	database  *database       // nil for SQLite
	sealing   string          // the encryption key; "" for the data directory's
	address   string          // set by the first start and kept
	calls     *http.Transport // for all calls of its API

	process *os.Process  // nil if it is not running
	ended   <-chan error // receives the result of the process
	out     *output
}

// startPatience is the time for a server to become ready.
const startPatience = 60 * time.Second

// newNode creates a directory for a server and starts it.
func newNode(ctx context.Context, o *Options, name string, on *database) (*node, error) {
	directory, err := os.MkdirTemp(o.Directory, "peal-bench-")
	if err != nil {
		return nil, fmt.Errorf("create a directory for the temporary data: %w", err)
	}
	n, err := prepareNode(o, directory, name)
	if err != nil {
		return nil, err
	}
	if on != nil {
		if err := on.create(ctx); err != nil {
			return nil, errors.Join(err, n.remove())
		}
		n.database, n.sealing = on, newSealing()
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.remove())
	}
	return n, nil
}

// prepareNode returns a server that is not started yet.
func prepareNode(o *Options, directory, name string) (*node, error) {
	n := &node{program: o.Program, directory: directory, key: peal.NewKeyText(), address: "127.0.0.1:0",
		calls: &http.Transport{MaxIdleConnsPerHost: 64}}
	if o.ProfileDirectory == "" {
		return n, nil
	}
	var err error
	n.profile, err = filepath.Abs(filepath.Join(o.ProfileDirectory, name+".pprof"))
	return n, err
}

func (n *node) start(ctx context.Context) error {
	args := []string{
		"peal", "serve", "--listen", n.address, "--data", filepath.Join(n.directory,
			"data"), "--log-level", "warn", "--stop-grace", "1s",
		"--egress-allow-http", "--egress-allow", "127.0.0.0/8", "--egress-ports", "0",
	}
	if n.profile != "" {
		args = append(args, "--cpuprofile", n.profile)
	}
	env := append(plainEnvironment(), "PEAL_OPERATOR_KEY="+n.key)
	if n.database != nil {
		env = append(env, "PEAL_DATABASE="+n.database.url, "PEAL_ENCRYPTION_KEY="+n.sealing)
	}
	n.out = &output{listening: make(chan string, 1)}
	cmd := &exec.Cmd{
		Path: n.program, Args: args, Env: env,
		Dir: n.directory, Stdout: n.out, Stderr: n.out,
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	ended := make(chan error, 1)
	n.process, n.ended = cmd.Process, ended
	go func() { ended <- cmd.Wait() }()
	if err := n.awaitReady(ctx); err != nil {
		n.kill()
		return fmt.Errorf("start the server: %w\n%s", err, n.out)
	}
	return nil
}

// plainEnvironment returns the environment of this process without the variables that
// would configure the server.
func plainEnvironment() (env []string) {
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "PEAL_") {
			env = append(env, pair)
		}
	}
	return env
}

func (n *node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case n.address = <-n.out.listening:
	case <-n.ended:
		n.process = nil
		return errors.New("it has exited")
	case <-ctx.Done():
		return ctx.Err()
	}
	api, err := n.api("")
	if err != nil {
		return err
	}
	for {
		if _, err = api.Ready(ctx); err == nil {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// api returns a client that acts for a tenant.
func (n *node) api(tenant string) (*client.Client, error) {
	o := client.DefaultOptions()
	o.Tenant, o.HTTPClient = tenant, &http.Client{Transport: n.calls}
	return client.New("http://"+n.address, n.key, o)
}

// stop stops the server as an operator does and returns the size of its data in bytes.
func (n *node) stop() (disk int64, err error) {
	if err := n.process.Signal(syscall.SIGTERM); err != nil {
		n.kill()
		return 0, fmt.Errorf("stop the server: %w", err)
	}
	select {
	case err = <-n.ended:
		n.process = nil
	case <-time.After(startPatience):
		n.kill()
		err = errors.New("it does not exit")
	}
	if err != nil {
		return 0, fmt.Errorf("stop the server: %w\n%s", err, n.out)
	}
	if n.database != nil {
		return n.database.size()
	}
	return diskUse(filepath.Join(n.directory, "data"))
}

// kill kills the server between any two instructions.
func (n *node) kill() {
	if n.process == nil {
		return
	}
	n.process.Kill()
	<-n.ended // always an error: it was killed
	n.process = nil
	n.calls.CloseIdleConnections()
}

// remove kills the server if it is running and removes its data unless that is kept.
func (n *node) remove() error {
	n.kill()
	n.calls.CloseIdleConnections()
	if n.kept {
		return nil
	}
	err := os.RemoveAll(n.directory)
	if n.database != nil {
		err = errors.Join(err, n.database.drop())
	}
	return err
}

// diskUse returns the size of all files below a directory in bytes.
func diskUse(directory string) (bytes int64, err error) {
	err = filepath.WalkDir(directory, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}

// output keeps the end of a server's output and finds its address there.
type output struct {
	mu        sync.Mutex
	text      []byte
	found     bool
	listening chan string
}

const keepOutput = 16 << 10

var servesAt = regexp.MustCompile(`Peal serves http://(\S+)\n`)

// Write implements [io.Writer] for the server's output.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if match := servesAt.FindSubmatch(o.text); match != nil && !o.found {
		o.found = true
		o.listening <- string(match[1])
	}
	if len(o.text) > keepOutput {
		o.text = append(o.text[:0], o.text[len(o.text)-keepOutput:]...)
	}
	return len(p), nil
}

// String returns the kept output.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(bytes.TrimSpace(o.text))
}

// newKeptNode starts a server on the kept directory.
func newKeptNode(ctx context.Context, o *Options, name string) (*node, error) {
	directory, err := filepath.Abs(o.HistoryDirectory)
	if err == nil {
		err = os.MkdirAll(directory, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("create the directory of the history: %w", err)
	}
	n, err := prepareNode(o, directory, name)
	if err != nil {
		return nil, err
	}
	n.kept = true
	return n, n.start(ctx)
}

// filledFile returns the file with the least number of delivered events in a kept database.
func (n *node) filledFile() string { return filepath.Join(n.directory, "delivered") }

func (n *node) filled() (int, error) {
	text, err := os.ReadFile(n.filledFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the number of delivered events: %w", err)
	}
	count, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the number of delivered events: %s: %w", n.filledFile(), err)
	}
	return count, nil
}

func (n *node) noteFilled(count int) error {
	if err := os.WriteFile(n.filledFile(), []byte(strconv.Itoa(count)+"\n"), 0o644); err != nil {
		return fmt.Errorf("write the number of delivered events: %w", err)
	}
	return nil
}

// newSealing returns a new encryption key for a database's secrets.
func newSealing() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}
