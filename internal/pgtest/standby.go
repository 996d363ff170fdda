package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby starts a streaming replica of a cluster, and makes the cluster synchronous:
// what it commits from now on is on the replica before it answers. The port is one of
// 127.0.0.1 for it to listen on, 0 for its socket alone.
func (c *Cluster) Standby(port int) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "pealpg")
	if err != nil {
		return nil, err
	}
	s := &Cluster{dir: dir, bin: c.bin, options: c.options, as: c.as}
	s.options.Port = port
	if err := s.follow(c); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := c.awaitStandby(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// follow copies a primary and starts as its standby.
func (s *Cluster) follow(primary *Cluster) error {
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	backup := exec.Command(filepath.Join(s.bin, "pg_basebackup"), "-h", primary.dir, "-p", strconv.Itoa(primary.port()),
		"-U", "postgres",
		"-D", s.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	backup.Dir = s.dir
	backup.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	backup.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return s.Restart()
}

// awaitStandby configures a primary to wait for its standby, and waits until it does.
func (c *Cluster) awaitStandby() error {
	return c.superuser(func(ctx context.Context, conn *pgx.Conn) error {
		for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		for {
			var sync bool
			err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')").Scan(&sync)
			if err != nil || sync {
				return err
			}
			time.Sleep(20 * time.Millisecond) // between two looks
		}
	})
}

// Promote promotes a standby to primary, and returns when it accepts changes.
func (c *Cluster) Promote() error {
	return c.superuser(func(ctx context.Context, conn *pgx.Conn) error {
		var promoted bool
		if err := conn.QueryRow(ctx, "SELECT pg_promote()").Scan(&promoted); err != nil {
			return err
		}
		if !promoted {
			return errors.New("the standby was not promoted")
		}
		return nil
	})
}

// superuser runs something on a connection of its superuser.
func (c *Cluster) superuser(run func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	return errors.Join(run(ctx, conn), conn.Close(ctx))
}

// TCP returns the URL of a database of clusters that listen on ports; it connects to the one that
// accepts changes.
func TCP(database string, clusters ...*Cluster) string {
	hosts := make([]string, len(clusters))
	for i, c := range clusters {
		hosts[i] = c.host() + ":" + strconv.Itoa(c.port())
	}
	return "postgres://postgres@" + strings.Join(hosts, ",") + "/" + database + "?sslmode=disable&target_session_attrs=read-write"
}
