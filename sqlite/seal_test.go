package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/sqlite"
)

func sealerOf(t *testing.T, bits byte) peal.Sealer {
	t.Helper()
	sealer, err := secret.NewSealer([secret.KeySize]byte{bits})
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func TestSecretsAreSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path, Sealer: sealerOf(t, 1)})
	want := createWebhook(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(content, []byte("very-secret")) {
		t.Error("a secret stands in the file")
	}
	store = open(t, sqlite.Options{Path: path, Sealer: sealerOf(t, 1)})
	got, err := store.Webhook(t.Context(), want.Tenant, want.ID)
	if err != nil || got.Secrets[0].Value != want.Secrets[0].Value || got.Authorization != want.Authorization || got.Headers["X-Key"] != want.Headers["X-Key"] {
		t.Errorf("the secrets did not come back: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, sealer := range map[string]peal.Sealer{"no key": nil, "another key": sealerOf(t, 2)} {
		store := open(t, sqlite.Options{Path: path, Sealer: sealer})
		_, err := store.Webhook(t.Context(), want.Tenant, want.ID)
		if err == nil || !strings.Contains(err.Error(), "start with the key that sealed them") {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := store.RoutesSince(t.Context(), 0); err == nil {
			t.Errorf("%s: routes without secrets", name)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecretsInTheClearStayReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, sqlite.Options{Path: path, Sealer: sealerOf(t, 1)})
	got, err := store.Webhook(context.Background(), webhook.Tenant, webhook.ID)
	if err != nil || got.Authorization != webhook.Authorization {
		t.Fatalf("got %v", err)
	}
	if _, err := store.UpdateWebhook(context.Background(), got); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, sqlite.Options{Path: path})
	if _, err := store.Webhook(context.Background(), webhook.Tenant, webhook.ID); err == nil {
		t.Error("the change did not seal the secrets")
	}
}

// Reseal must know of every table with sealed values.
func TestEverySealedColumnIsKnown(t *testing.T) {
	store := open(t, sqlite.Options{})
	tables, err := store.SealedTables()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(tables, " "), strings.Join(sqlite.ResealedTables(), " "); got != want || got == "" {
		t.Errorf("the tables %s have a column sealed, and Reseal looks at %s", got, want)
	}
}
