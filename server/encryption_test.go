package server_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/sqlite"
)

func textOf(keys ...secret.Key) string {
	var texts []string
	for _, k := range keys {
		texts = append(texts, base64.StdEncoding.EncodeToString(k[:]))
	}
	return strings.Join(texts, ",")
}

// keysIn reads the key file of a data directory.
func keysIn(t *testing.T, data string) []secret.Key {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "encryption.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secret.ParseKeys(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// secretHooks creates webhooks with secrets and returns the secrets by id.
func secretHooks(t *testing.T, c *client.Client, n int) map[string]string {
	t.Helper()
	url, secrets := "http://127.0.0.1:9/hook", make(map[string]string)
	for range n {
		w, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"never"}})
		if err != nil {
			t.Fatal(err)
		}
		secrets[w.ID] = w.Secret
	}
	return secrets
}

func demandSecrets(t *testing.T, c *client.Client, want map[string]string) {
	t.Helper()
	for id, value := range want {
		if got, err := c.WebhookSecret(t.Context(), id); err != nil || got.Secret != value {
			t.Fatalf("the secret of %s: %v", id, err)
		}
	}
}

// awaitRotation waits for the end of a rotation.
func awaitRotation(t *testing.T, c *client.Client) client.Encryption {
	t.Helper()
	var state client.Encryption
	testkit.Eventually(t, func() (err error) {
		if state, err = c.Encryption(t.Context()); err != nil {
			t.Fatal(err)
		}
		if state.Status == "running" {
			return errors.New("the rotation is still running")
		}
		return nil
	})
	return state
}

func TestRotateEncryption(t *testing.T) {
	o := options(t)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	secrets := secretHooks(t, c, 250) // three batches
	before := keysIn(t, o.Data)
	if _, err := c.RotateEncryption(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := awaitRotation(t, c)
	if state.Status != "idle" || state.Resealed != 250 || len(state.OlderKeyIDs) != 0 || !state.FromFile {
		t.Errorf("it came to %+v", state)
	}
	demandSecrets(t, c, secrets)
	after := keysIn(t, o.Data)
	if len(after) != 1 || after[0] == before[0] {
		t.Errorf("the file holds %d keys", len(after))
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	demandSealedWith(t, o.Data, after[0], secrets)
}

// demandSealedWith opens the database with one key alone.
func demandSealedWith(t *testing.T, data string, k secret.Key, want map[string]string) {
	t.Helper()
	sealer, err := secret.NewSealer(k)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(data, "peal.db"), Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	webhooks, _, err := store.RoutesSince(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(webhooks) != len(want) {
		t.Errorf("%d webhooks, want %d", len(webhooks), len(want))
	}
	for _, w := range webhooks {
		if w.Secrets[0].Value != want[w.ID.String()] {
			t.Errorf("%s has another secret", w.ID)
		}
	}
}

// A process dies between any two steps of a rotation; the next one ends it.
func TestKilledRotationGoesOn(t *testing.T) {
	node := &process{program: buildPeal(t), data: t.TempDir(), address: freeAddress(t)}
	node.start(t)
	defer node.kill(t)
	c := connect(t, "http://"+node.address, operatorKey)
	secrets := secretHooks(t, c, 220)
	for range 3 {
		if _, err := c.RotateEncryption(t.Context()); err != nil && client.StatusOf(err) != http.StatusConflict {
			t.Fatal(err)
		}
		node.kill(t)
		node.start(t)
		demandSecrets(t, c, secrets)
	}
	if state := awaitRotation(t, c); state.Status != "idle" || len(state.OlderKeyIDs) != 0 {
		t.Errorf("it came to %+v", state)
	}
	node.stop(t)
	keys := keysIn(t, node.data)
	if len(keys) != 1 {
		t.Errorf("the file holds %d keys", len(keys))
	}
	demandSealedWith(t, node.data, keys[0], secrets)
}

func TestConfiguredKeysTakeOver(t *testing.T) {
	first, second := secret.NewKey(), secret.NewKey()
	o := options(t)
	o.EncryptionKey = textOf(first)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	secrets := secretHooks(t, c, 3)
	if _, err := c.RotateEncryption(t.Context()); err == nil || !strings.Contains(err.Error(), "put a new one before it") {
		t.Errorf("with one key: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	o.EncryptionKey = textOf(second, first)
	s = start(t, o)
	c = connect(t, "http://"+s.Addr(), operatorKey)
	if state := awaitRotation(t, c); state.Status != "idle" || state.Resealed != 3 || len(state.OlderKeyIDs) != 1 || state.FromFile {
		t.Errorf("it came to %+v", state)
	}
	if _, err := c.RotateEncryption(t.Context()); err != nil {
		t.Error(err)
	}
	if state := awaitRotation(t, c); state.Resealed != 0 {
		t.Errorf("once more: %+v", state)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	demandSealedWith(t, o.Data, second, secrets)
	if _, err := os.Stat(filepath.Join(o.Data, "encryption.key")); !os.IsNotExist(err) {
		t.Error("there is a key file although the key is configured")
	}
}
