package peal_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

func TestNewFilterError(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"without the field": {peal.Invalidf("filter", "fails on this event: no"), "fails on this event: no"},
		"another error":     {errors.New("no"), "no"},
		"in one line":       {errors.New("a\nb\x00c\u009bd"), "a b c d"},
		"no UTF-8":          {errors.New("a\xffb"), "a\uFFFDb"},
		"as long as may be": {errors.New(strings.Repeat("x", 500)), strings.Repeat("x", 500)},
		"too long":          {errors.New(strings.Repeat("x", 501)), strings.Repeat("x", 497) + "…"},
		"cut in a rune":     {errors.New(strings.Repeat("é", 251)), strings.Repeat("é", 248) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			id := peal.NewWebhookID()
			got := peal.NewFilterError(id, test.err)
			if got.WebhookID != id || got.Message != test.want {
				t.Errorf("got %+v, want %q", got, test.want)
			}
			if len(got.Message) > peal.MaxFilterErrorBytes || !utf8.ValidString(got.Message) {
				t.Errorf("%d bytes, UTF-8 %v", len(got.Message), utf8.ValidString(got.Message))
			}
		})
	}
}
