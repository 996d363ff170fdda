package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// A log that never begins anew fills the disk, and cutting it back then holds everybody up.
func TestLogStaysShortWhileTheWriterIsNeverIdle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	const writers, batches = 4, 40 // together about 200 MB of log
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range batches {
				batch := make([]peal.Insertion, 20)
				for i := range batch {
					batch[i] = insertion(webhook, 48<<10)
				}
				if err := insert(store, webhook, batch...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path + "-wal") // it is cut back only when it begins anew
	if err != nil {
		t.Fatal(err)
	}
	const bound = 96 << 20
	t.Logf("the log has %d MB", info.Size()>>20)
	if info.Size() > bound {
		t.Errorf("the log has %d MB, and what was written is in the file", info.Size()>>20)
	}
}
