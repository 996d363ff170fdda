package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
)

// TestLoadWebhookEndpoint reads what a webhook and its endpoint know each other by, each
// secret from every place that it may come from, and looks for it in what is printed.
func TestLoadWebhookEndpoint(t *testing.T) {
	const pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	const private, secret = "canary-of-the-key", "canary-of-the-secret"
	dir := t.TempDir()
	for name, content := range map[string]string{"cert": "the certificate\n", "key": private + "\n", "secret": secret + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string { return map[string]string{"KEY": private, "SECRET": secret}[name] }
	want := peal.Webhook{
		URL: "https://a.example/", Events: []string{"*"}, Pins: []string{pin},
		ClientCertificate: &peal.ClientCertificate{Certificate: "the certificate", Key: peal.Secret{Value: private}},
		OAuth2: &peal.OAuth2{
			TokenURL: "https://id.example/token?key=" + secret, ClientID: "peal", ClientSecret: peal.Secret{Value: secret}, Scopes: []string{"a", "b"},
		},
	}
	for name, c := range map[string]struct{ certificate, key, secret string }{
		"in the entry":       {"certificate: the certificate", "key: " + private, "client_secret: " + secret},
		"in files":           {"certificate_file: " + dir + "/cert", "key_file: " + dir + "/key", "client_secret_file: " + dir + "/secret"},
		"in the environment": {"certificate: the certificate", "key_env: KEY", "client_secret_env: SECRET"},
	} {
		text := fmt.Sprintf("webhooks:\n- {name: a, url: 'https://a.example/', events: ['*'], pins: [%s], client_certificate: {%s, %s}, "+
			"oauth2: {token_url: 'https://id.example/token?key=%s', client_id: peal, %s, scopes: [a, b]}}\n", pin, c.certificate, c.key, secret, c.secret)
		loaded, err := config.Load(config.Sources{File: write(t, text), Env: getenv})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := loaded.Webhooks[0].Settings
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b peal.Secret) bool { return a.Value == b.Value })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if printed := fmt.Sprint(loaded.Settings()); strings.Contains(printed, private) || strings.Contains(printed, secret) || !strings.Contains(printed, "client_id") {
			t.Errorf("%s: printed are %s", name, printed)
		}
	}
	for what, c := range map[string]struct{ more, want string }{
		"two keys":           {"client_certificate: {certificate: c, key: k, key_env: KEY}", "key: give one of them"},
		"two secrets":        {"oauth2: {client_secret_env: SECRET, client_secret: s}", "client_secret_env: give one of them"},
		"no variable":        {"oauth2: {client_secret_env: NONE}", "names a variable that is not set: NONE"},
		"no file":            {"client_certificate: {key_file: /nowhere/key}", "cannot be read"},
		"an unknown name":    {"oauth2: {client_sekret: s}", "did you mean client_secret"},
		"one pin":            {"pins: " + pin, "must be a list"},
		"a certificate only": {"client_certificate: text", "must be certificate or certificate_file"},
	} {
		_, err := config.Load(config.Sources{File: write(t, "webhooks:\n- name: a\n  url: https://a.example/\n  events: '*'\n  "+c.more+"\n"), Env: getenv})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}
