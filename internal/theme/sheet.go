package theme

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// Peal's own colours, which stand in for those that nobody chose. They are those of
// the dashboard's style sheet.
var (
	ownLight = peal.Palette{Brand: "#3b3fb6", Background: "#f7f7f5", Surface: "#ffffff", Text: "#1d1c1a"}
	ownDark  = peal.Palette{Brand: "#9a9df5", Background: "#131316", Surface: "#1b1b20", Text: "#ececf0"}
)

// palettes gives the colours of a theme in each mode. A brand colour that was chosen for
// light pages alone is brightened for dark ones.
func palettes(t peal.Theme) (light, dark peal.Palette) {
	light, dark = lightOf(t.Light), darkOf(t.Dark)
	if t.Dark.Brand == "" && t.Light.Brand != "" {
		brand := parse(t.Light.Brand)
		if c := chosen(dark); least(brand, c.background, c.surface) < MinContrast {
			if better, ok := readable(brand, c.background, c.surface); ok {
				brand = better
			}
		}
		dark.Brand = brand.String()
	}
	return light, dark
}

func lightOf(p peal.Palette) peal.Palette {
	return peal.Theme{Light: p}.Over(peal.Theme{Light: ownLight}).Light
}
func darkOf(p peal.Palette) peal.Palette {
	return peal.Theme{Dark: p}.Over(peal.Theme{Dark: ownDark}).Dark
}

// colours are those of a palette without gaps.
type colours struct{ brand, background, surface, text colour }

func chosen(p peal.Palette) colours {
	return colours{parse(p.Brand), parse(p.Background), parse(p.Surface), parse(p.Text)}
}

// Sheet writes the style sheet of a theme: its colours as the variables of the
// dashboard's style sheet. A theme without colours gives an empty one.
func Sheet(t peal.Theme) string {
	var b strings.Builder
	lightColours, darkColours := palettes(t)
	if t.Light != (peal.Palette{}) {
		fmt.Fprintf(&b, ":root:root { %s}\n", variables(lightColours))
	}
	if t.Light != (peal.Palette{}) || t.Dark != (peal.Palette{}) {
		dark := variables(darkColours)
		fmt.Fprintf(&b, "@media (prefers-color-scheme: dark) { :root:root:not([data-theme=\"light\"]) { %s} }\n", dark)
		fmt.Fprintf(&b, ":root:root[data-theme=\"dark\"] { %s}\n", dark)
	}
	return b.String()
}

// variables are the style sheet's variables of a palette: what was chosen, and what
// lies between.
func variables(p peal.Palette) string {
	c := chosen(p)
	var b strings.Builder
	set := func(name string, value colour) { fmt.Fprintf(&b, "--%s: %s; ", name, value) }
	set("bg", c.background)
	set("surface", c.surface)
	set("text", c.text)
	set("brand", c.brand)
	set("bar", c.brand)
	sunken := c.surface.mix(c.text, 0.05)
	set("sunken", soften(sunken, c.surface, c.text, c.brand))
	set("line", c.surface.mix(c.text, 0.14))
	set("brand-soft", soften(c.surface.mix(c.brand, 0.12), c.surface, c.brand))
	muted := c.text.mix(c.surface, 0.32)
	if better, ok := readable(muted, c.background, c.surface, sunken); ok && least(muted, c.background, c.surface, sunken) < MinContrast {
		muted = better
	}
	set("muted", muted)
	onBrand := white
	if contrast(black, c.brand) > contrast(white, c.brand) {
		onBrand = black
	}
	set("on-brand", onBrand)
	return b.String()
}

// soften takes a tint back towards the surface until all that stands on it can be read.
func soften(tint, surface colour, on ...colour) colour {
	for step := range 20 {
		tried := tint.mix(surface, float64(step)/20)
		if slices.IndexFunc(on, func(c colour) bool { return contrast(c, tried) < MinContrast }) < 0 {
			return tried
		}
	}
	return surface
}
