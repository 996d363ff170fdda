package theme_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/theme"
)

func TestContrast(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21},
		{"#FFFFFF", "#ffffff", 1},
		{"#777777", "#ffffff", 4.48}, // the well-known edge: just not enough
		{"#767676", "#ffffff", 4.54},
	} {
		if got := theme.Contrast(test.a, test.b); math.Abs(got-test.want) > 0.005 {
			t.Errorf("contrast of %s to %s: got %.3f, want %.2f", test.a, test.b, got, test.want)
		}
	}
}

func TestValidate(t *testing.T) {
	light := func(p peal.ThemePalette) peal.Theme { return peal.Theme{Light: p} }
	for name, test := range map[string]struct {
		theme peal.Theme
		field string // "" for none
		says  string
	}{
		"nothing chosen":         {theme: peal.Theme{}},
		"a brand":                {theme: light(peal.ThemePalette{Brand: "#005f73"})},
		"just enough":            {theme: light(peal.ThemePalette{Brand: "#767676", Background: "#ffffff"})},
		"just too little":        {theme: light(peal.ThemePalette{Brand: "#777777", Background: "#ffffff"}), field: "light.brand", says: "take #7"},
		"yellow on white":        {theme: light(peal.ThemePalette{Brand: "#ffdd00"}), field: "light.brand", says: "contrast of 1.3 to 1"},
		"text like the page":     {theme: peal.Theme{Dark: peal.ThemePalette{Text: "#222222"}}, field: "dark.text", says: "at least 4.5 to 1"},
		"no colour":              {theme: light(peal.ThemePalette{Brand: "red"}), field: "light.brand", says: "#3b3fb6"},
		"a colour with more":     {theme: light(peal.ThemePalette{Brand: "#3b3fb6;}"}), field: "light.brand"},
		"a mode":                 {theme: peal.Theme{Mode: "grey"}, field: "mode"},
		"a part":                 {theme: peal.Theme{Hidden: []peal.PortalPart{"webhooks"}}, field: "hidden[0]"},
		"a language":             {theme: peal.Theme{Language: "../de"}, field: "language"},
		"the longest name":       {theme: peal.Theme{Name: strings.Repeat("n", peal.MaxThemeName)}},
		"a name too long":        {theme: peal.Theme{Name: strings.Repeat("n", peal.MaxThemeName+1)}, field: "name"},
		"a name of two lines":    {theme: peal.Theme{Name: "a\nb"}, field: "name"},
		"a logo":                 {theme: peal.Theme{Logo: []byte("\x89PNG\x0d\x0a\x1a\x0a…")}},
		"a drawn logo":           {theme: peal.Theme{Logo: []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`)}},
		"a page for a logo":      {theme: peal.Theme{Logo: []byte("<html><svg/></html>")}, field: "logo", says: "SVG"},
		"the largest logo":       {theme: peal.Theme{Logo: append([]byte("\x89PNG\x0d\x0a\x1a\x0a"), make([]byte, peal.MaxThemeLogo-8)...)}},
		"a logo too large":       {theme: peal.Theme{Logo: append([]byte("\x89PNG\x0d\x0a\x1a\x0a"), make([]byte, peal.MaxThemeLogo-7)...)}, field: "logo"},
		"dark from a light one":  {theme: light(peal.ThemePalette{Brand: "#000080"})},
		"dark that is not light": {theme: peal.Theme{Dark: peal.ThemePalette{Brand: "#000080"}}, field: "dark.brand"},
	} {
		t.Run(name, func(t *testing.T) {
			err := theme.Validate(test.theme)
			if test.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var got *peal.Error
			if !errors.As(err, &got) || got.Code != peal.Invalid || got.Field != test.field || !strings.Contains(got.Message, test.says) {
				t.Errorf("got %v, want an error at %s that says %q", err, test.field, test.says)
			}
		})
	}
}

// TestSheetIsReadable draws random colours: with those that pass, everything on the pages is
// readable, including tints and quiet text.
func TestSheetIsReadable(t *testing.T) {
	colour := func(t *rapid.T, name string, bright bool) string {
		low, high := 0, 110
		if bright {
			low, high = 150, 255
		}
		part := rapid.IntRange(low, high)
		return fmt.Sprintf("#%02x%02x%02x", part.Draw(t, name), part.Draw(t, name), part.Draw(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		bright := rapid.Bool().Draw(t, "bright")
		chosen := peal.Theme{Light: peal.ThemePalette{
			Brand: colour(t, "brand", !bright), Background: colour(t, "background", bright), Surface: colour(t, "surface", bright), Text: colour(t, "text", !bright),
		}}
		if theme.Validate(chosen) != nil {
			t.Skip("refused")
		}
		first, _, _ := strings.Cut(theme.Sheet(chosen), "\n")
		v := map[string]string{}
		for part := range strings.SplitSeq(first, "--") {
			if name, value, ok := strings.Cut(part, ": "); ok && strings.HasPrefix(value, "#") {
				v[name] = value[:7]
			}
		}
		for _, pair := range [][2]string{
			{"text", "bg"}, {"text", "surface"}, {"text", "sunken"}, {"brand", "bg"}, {"brand", "surface"}, {"brand", "brand-soft"}, {"brand", "sunken"},
			{"muted", "surface"}, {"muted", "bg"}, {"on-brand", "brand"},
		} {
			if got := theme.Contrast(v[pair[0]], v[pair[1]]); got < theme.MinContrast {
				t.Errorf("%s on %s: contrast %.2f in %s", pair[0], pair[1], got, first)
			}
		}
	})
}

func TestSheetOfNothing(t *testing.T) {
	if got := theme.Sheet(peal.Theme{Name: "Acme"}); got != "" {
		t.Errorf("a theme without colours gives %q", got)
	}
}
