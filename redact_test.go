package peal_test

import (
	"testing"

	"github.com/pealhq/peal"
)

func TestRedactURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.com/hook":               "https://example.com/hook",
		"https://example.com/hook?":              "https://example.com/hook?",
		"https://example.com/hook?token=x":       "https://example.com/hook?token=[redacted]",
		"https://example.com/hook?token=x&b=&":   "https://example.com/hook?token=[redacted]&b=[redacted]&",
		"https://example.com/hook?x=a=b?c#token": "https://example.com/hook?x=[redacted]",
		"https://example.com/hook?secret":        "https://example.com/hook?[redacted]",
		"":                                       "",
	} {
		if got := peal.RedactURL(url); got != want {
			t.Errorf("%s became %s, want %s", url, got, want)
		}
	}
}
