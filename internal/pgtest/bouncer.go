package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bouncer is a running PgBouncer in front of a cluster, in transaction mode: each transaction may
// use another connection of the server.
type Bouncer struct {
	dir     string
	process *process
}

const bouncerPort = 6432

// Bouncer starts a PgBouncer with size connections of the server for each database.
func (c *Cluster) Bouncer(size int) (*Bouncer, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !isFile(program) {
			return nil, errors.New("PgBouncer is not installed, which this test starts: run scripts/test-deps, or install Debian's package pgbouncer")
		}
	}
	dir := filepath.Join(c.dir, "pooler")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	settings := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%d user=postgres\n\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = %s\nlisten_port = %d\nauth_type = any\npool_mode = transaction\ndefault_pool_size = %d\nmax_client_conn = 500\nlogfile = %s\n",
		c.dir, c.port(), dir, bouncerPort, size, filepath.Join(dir, "log"))
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if c.as != nil {
		if err := os.Chown(dir, int(c.as.Uid), int(c.as.Gid)); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(program, settings)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Pdeathsig: syscall.SIGTERM, Setpgid: true}
	b := &Bouncer{dir: dir, process: launch(cmd)}
	if err := <-b.process.begun; err != nil {
		return nil, fmt.Errorf("start pgbouncer: %w", err)
	}
	if err := b.await(); err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	return b, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (b *Bouncer) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, b.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-b.process.ended:
			log, _ := os.ReadFile(filepath.Join(b.dir, "log")) // it may not have come to that
			return fmt.Errorf("pgbouncer ended at once:\n%s", log)
		case <-ctx.Done():
			return fmt.Errorf("pgbouncer does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL returns the URL of a database through it.
func (b *Bouncer) URL(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{
		"host": {b.dir}, "port": {strconv.Itoa(bouncerPort)}, "user": {"postgres"}, "sslmode": {"disable"},
	}.Encode()}
	return u.String()
}

// Stop ends it.
func (b *Bouncer) Stop() error { return b.process.end(syscall.SIGTERM) }
