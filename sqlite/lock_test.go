package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// opener, when set, is the database that this process tries to open; it prints what came of
// that, and keeps an open one until its input ends.
const opener = "PEAL_SQLITE_TEST_OPENER"

func runOpener(path string) {
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		fmt.Println(peal.CodeOf(err), err)
		return
	}
	fmt.Println("open")
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	if err := store.Close(); err != nil {
		fmt.Println(err)
	}
}

// openElsewhere has another process open a database, by a command that runs before it where
// there is one, and returns what came of it. That process ends with the test.
func openElsewhere(t *testing.T, path string, before ...string) string {
	t.Helper()
	command := exec.Command(os.Args[0])
	if len(before) > 0 {
		command = exec.Command(before[0], append(before[1:], os.Args[0])...)
	}
	command.Env = append(os.Environ(), opener+"="+path)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = command.Wait()
	})
	line, _ := bufio.NewReader(output).ReadString('\n')
	return strings.TrimSpace(line)
}

// A database is one process's under whatever name another one finds it.
func TestOneProcessUnderEveryName(t *testing.T) {
	tests := map[string]func(t *testing.T, path string) (other string, before []string){
		"the same name": func(t *testing.T, path string) (string, []string) { return path, nil },
		"with its lock file removed": func(t *testing.T, path string) (string, []string) {
			must(t, os.Remove(path+".lock"))
			return path, nil
		},
		"with another lock file": func(t *testing.T, path string) (string, []string) {
			must(t, os.Rename(path+".lock", path+".old"))
			must(t, os.WriteFile(path+".lock", nil, 0o600))
			return path, nil
		},
		"by a hard link": func(t *testing.T, path string) (string, []string) {
			other := filepath.Join(t.TempDir(), "other.db")
			must(t, os.Link(path, other))
			return other, nil
		},
		"by a symbolic link": func(t *testing.T, path string) (string, []string) {
			other := filepath.Join(t.TempDir(), "other.db")
			must(t, os.Symlink(path, other))
			return other, nil
		},
		"in a directory by a symbolic link": func(t *testing.T, path string) (string, []string) {
			other := filepath.Join(t.TempDir(), "data")
			must(t, os.Symlink(filepath.Dir(path), other))
			must(t, os.Remove(path+".lock"))
			return filepath.Join(other, "peal.db"), nil
		},
		"by a bind mount of the file": func(t *testing.T, path string) (string, []string) {
			if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
				t.Skipf("needs the right to mount: %v %s", err, out)
			}
			other := filepath.Join(t.TempDir(), "other.db")
			must(t, os.WriteFile(other, nil, 0o600))
			return other, []string{"unshare", "-m", "sh", "-c", `mount --bind "$1" "$2" && exec "$3"`, "sh", path, other}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peal.db")
			store := open(t, sqlite.Options{Path: path})
			webhook := createWebhook(t, store)
			other, before := prepare(t, path)
			if got := openElsewhere(t, other, before...); !strings.HasPrefix(got, "conflict") || !strings.Contains(got, "is in use by") {
				t.Errorf("another process got %q, want a conflict", got)
			}
			locks := posixLocks(t, path)
			if before == nil { // else only the other process finds it there
				second, err := sqlite.Open(t.Context(), sqlite.Options{Path: other})
				if err == nil {
					second.Close()
				}
				if peal.CodeOf(err) != peal.Conflict {
					t.Errorf("this process opened it twice: %v", err)
				}
			}
			if _, err := sqlite.SchemaOf(t.Context(), path); err != nil {
				t.Error(err)
			}
			if now := posixLocks(t, path); now != locks || locks == 0 {
				t.Errorf("SQLite has %d locks on the file, and had %d before the second attempt", now, locks)
			}
			must(t, insert(store, webhook, insertion(webhook, 100)))
		})
	}
}

// posixLocks counts this process's locks on a file that are not tied to one open file.
func posixLocks(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Skip(err)
	}
	info, err := os.Stat(path)
	must(t, err)
	mine := fmt.Sprintf(" %d ", os.Getpid())
	inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "POSIX") && strings.Contains(line, mine) && strings.Contains(line, inode) {
			n++
		}
	}
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A copy is another database, and a killed process leaves no lock.
func TestOtherProcessesMayOpenCopies(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "peal.db"), filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	createWebhook(t, store)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		must(t, err)
		must(t, os.WriteFile(copied+suffix, content, 0o600))
	}
	if got := openElsewhere(t, copied); got != "open" {
		t.Errorf("another process got %q for a copy", got)
	}
	killAfter(t, copiedOf(t, path), 5, map[string]string{})
}

// copiedOf makes another copy, for a process that is killed.
func copiedOf(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "peal.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		must(t, err)
		must(t, os.WriteFile(copied+suffix, content, 0o600))
	}
	return copied
}

// What stands in the place of a file of Peal's is not written to.
func TestNothingElseIsOverwritten(t *testing.T) {
	const precious = "precious\n"
	link := func(t *testing.T, path, target string) { must(t, os.Symlink(target, path)) }
	hardLink := func(t *testing.T, path, target string) { must(t, os.Link(target, path)) }
	tests := map[string]struct {
		suffix string
		put    func(t *testing.T, path, target string)
		isNew  bool
	}{
		"a symbolic link as the lock file":         {".lock", link, false},
		"a symbolic link as a new lock file":       {".lock", link, true},
		"a hard link as the lock file":             {".lock", hardLink, false},
		"a text as the lock file":                  {".lock", func(t *testing.T, path, target string) { must(t, os.Rename(target, path)); link(t, target, path) }, false},
		"a fifo as the lock file":                  {".lock", func(t *testing.T, path, _ string) { must(t, syscall.Mkfifo(path, 0o600)) }, false},
		"a symbolic link as the log":               {"-wal", link, false},
		"a symbolic link as the log of a new file": {"-wal", link, true},
		"a symbolic link as shared memory":         {"-shm", link, false},
		"a symbolic link to nothing as the file":   {"", func(t *testing.T, path, target string) { link(t, path, target+".gone") }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path, target := filepath.Join(t.TempDir(), "peal.db"), filepath.Join(t.TempDir(), "target")
			must(t, os.WriteFile(target, []byte(precious), 0o600))
			if !test.isNew {
				store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
				must(t, err)
				must(t, store.Close())
			}
			must(t, os.RemoveAll(path+test.suffix))
			test.put(t, path+test.suffix, target)
			store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
			if err == nil {
				store.Close()
			}
			if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want code invalid and the path", err)
			}
			if content, _ := os.ReadFile(target); string(content) != precious {
				t.Errorf("the other file holds %q now", content)
			}
			if entries, _ := os.ReadDir(filepath.Dir(target)); len(entries) != 1 {
				t.Errorf("there are %d files beside it", len(entries))
			}
		})
	}
}
