package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// A database of an earlier release is backed up, upgraded, and restored for that release again.
func TestUpgradeAndBack(t *testing.T) {
	path, backup := filepath.Join(t.TempDir(), "peal.db"), filepath.Join(t.TempDir(), "copy.db")
	left(t, path, merged[:len(merged)-2])
	pending := func() int {
		t.Helper()
		schema, err := sqlite.SchemaOf(t.Context(), path)
		must(t, err)
		return schema.Pending()
	}
	before := pending()
	must(t, sqlite.Backup(t.Context(), sqlite.BackupOptions{Path: path, To: backup}))
	if before == 0 || pending() != before {
		t.Errorf("a backup left %d migrations pending of %d", pending(), before)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	must(t, err)
	must(t, store.CreateTenant(t.Context(), peal.Tenant{Name: "acme"}))
	if _, err := sqlite.Restore(t.Context(), path, backup); peal.CodeOf(err) != peal.Conflict {
		t.Errorf("restoring into an open database: %v", err)
	}
	must(t, store.Close())
	if pending() != 0 {
		t.Errorf("%d migrations are pending after the upgrade", pending())
	}
	done, err := sqlite.Restore(t.Context(), path, backup)
	must(t, err)
	if pending() != before {
		t.Errorf("%d migrations are pending after the restore, want %d", pending(), before)
	}
	if len(done.Aside) == 0 {
		t.Fatal("nothing was kept")
	}
	kept := open(t, sqlite.Options{Path: done.Aside[len(done.Aside)-1]})
	if _, err := kept.Tenant(t.Context(), "acme"); err != nil {
		t.Errorf("what was there before the restore: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
