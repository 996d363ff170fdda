package peal_test

import (
	"testing"

	"github.com/pealhq/peal"
)

func TestWebhookTitle(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"Billing", "https://example.com/hook", "Billing"},
		{"", "https://example.com/hook?token=a", "example.com"},
		{"", "https://example.com:8443?token=a/b", "example.com:8443"},
		{"", "http://[::1]:8080", "[::1]:8080"},
		{"", "nonsense", ""},
	} {
		w := peal.Webhook{Name: test.name, URL: test.url}
		if got := w.Title(); got != test.want {
			t.Errorf("the title of %+v is %q, want %q", test, got, test.want)
		}
	}
}
