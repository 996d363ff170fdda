// Package theme derives the colours of the portal from a theme, and rejects colours with
// insufficient contrast.
package theme

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// Peal's colours, the defaults of a theme. They must equal those in the dashboard's style sheet.
var (
	ownLight = peal.ThemePalette{Brand: "#3b3fb6", Background: "#f7f7f5", Surface: "#ffffff", Text: "#1d1c1a"}
	ownDark  = peal.ThemePalette{Brand: "#9a9df5", Background: "#131316", Surface: "#1b1b20", Text: "#ececf0"}
)

// palettes returns the colours of a theme in each mode. A brand colour set only for light pages is
// brightened for dark ones.
func palettes(t peal.Theme) (light, dark peal.ThemePalette) {
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

func lightOf(p peal.ThemePalette) peal.ThemePalette {
	return peal.Theme{Light: p}.Over(peal.Theme{Light: ownLight}).Light
}
func darkOf(p peal.ThemePalette) peal.ThemePalette {
	return peal.Theme{Dark: p}.Over(peal.Theme{Dark: ownDark}).Dark
}

// colours is a complete palette.
type colours struct{ brand, background, surface, text colour }

func chosen(p peal.ThemePalette) colours {
	return colours{parse(p.Brand), parse(p.Background), parse(p.Surface), parse(p.Text)}
}

// Sheet returns the style sheet of a theme, which sets the variables of the dashboard's style
// sheet. It is empty for a theme without colours.
func Sheet(t peal.Theme) string {
	var b strings.Builder
	lightColours, darkColours := palettes(t)
	if t.Light != (peal.ThemePalette{}) {
		fmt.Fprintf(&b, ":root:root { %s}\n", variables(lightColours))
	}
	if t.Light != (peal.ThemePalette{}) || t.Dark != (peal.ThemePalette{}) {
		dark := variables(darkColours)
		fmt.Fprintf(&b, "@media (prefers-color-scheme: dark) { :root:root:not([data-theme=\"light\"]) { %s} }\n", dark)
		fmt.Fprintf(&b, ":root:root[data-theme=\"dark\"] { %s}\n", dark)
	}
	return b.String()
}

// variables returns the variables for a palette: its colours and those derived from them.
func variables(p peal.ThemePalette) string {
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
	if better, ok := readable(muted, c.background, c.surface, sunken); ok && least(muted, c.background, c.surface,
		sunken) < MinContrast {
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

// soften mixes a tint with the surface until everything on it is readable.
func soften(tint, surface colour, on ...colour) colour {
	for step := range 20 {
		tried := tint.mix(surface, float64(step)/20)
		if slices.IndexFunc(on, func(c colour) bool { return contrast(c, tried) < MinContrast }) < 0 {
			return tried
		}
	}
	return surface
}

// MinContrast is the minimum contrast of text to its background (WCAG 2.2, section 1.4.3).
const MinContrast = 4.5

// colour is red, green and blue, each from 0 to 1.
type colour [3]float64

// parse parses #rrggbb, which must be valid.
func parse(text string) colour {
	n, _ := strconv.ParseUint(text[1:], 16, 32)
	return colour{float64(n>>16&255) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}
}

func (c colour) String() string {
	byteOf := func(part float64) int { return int(math.Round(part * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", byteOf(c[0]), byteOf(c[1]), byteOf(c[2]))
}

// mix returns the colour mixed with a part of another.
func (c colour) mix(other colour, part float64) colour {
	for i := range c {
		c[i] += (other[i] - c[i]) * part
	}
	return parse(c.String()) // rounded to the displayed value
}

// luminance returns the relative luminance of a colour (WCAG 2.2).
func (c colour) luminance() float64 {
	linear := func(part float64) float64 {
		if part <= 0.04045 {
			return part / 12.92
		}
		return math.Pow((part+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast returns the contrast ratio of two colours, 1 to 21 (WCAG 2.2).
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

var black, white = colour{}, colour{1, 1, 1}

// readable returns the colour nearest to c, towards black or white, with sufficient contrast to all
// the others, and false if there is none.
func readable(c colour, on ...colour) (colour, bool) {
	best, found := c, false
	for _, end := range []colour{black, white} {
		for step := 1; step <= 50; step++ {
			tried := c.mix(end, float64(step)/50)
			if least(tried, on...) < MinContrast {
				continue
			}
			if !found || distance(c, tried) < distance(c, best) {
				best, found = tried, true
			}
			break
		}
	}
	return best, found
}

func least(c colour, on ...colour) float64 {
	lowest := math.Inf(1)
	for _, behind := range on {
		lowest = min(lowest, contrast(c, behind))
	}
	return lowest
}

func distance(a, b colour) float64 {
	return math.Abs(a[0]-b[0]) + math.Abs(a[1]-b[1]) + math.Abs(a[2]-b[2])
}

// Validate checks a theme and its colours. The error has code [peal.Invalid], names the field and
// suggests a similar colour.
func Validate(t peal.Theme) error {
	faults := []error{t.Validate()}
	if len(t.Logo) > 0 && len(t.Logo) <= peal.MaxThemeLogo {
		_, err := LogoType(t.Logo)
		faults = append(faults, err)
	}
	light, dark := palettes(t)
	// The contrast is only checked of palettes with valid colours.
	if wrong := fieldsOf(faults[0]); !wrong["light"] && !wrong["dark"] {
		faults = append(faults, peal.PrefixField("light", check(light)), peal.PrefixField("dark", check(dark)))
	}
	return peal.JoinFaults(faults...)
}

// fieldsOf returns the first elements of the fields in an error.
func fieldsOf(err error) map[string]bool {
	fields := make(map[string]bool)
	for _, fault := range peal.FaultsOf(err) {
		field, _, _ := strings.Cut(fault.Field, ".")
		fields[field] = true
	}
	return fields
}

// check returns an error if a text on a page has insufficient contrast.
func check(p peal.ThemePalette) error {
	var faults []error
	c := chosen(p)
	for _, text := range []struct {
		field  string
		colour colour
		on     []colour
	}{
		{"text", c.text, []colour{c.background, c.surface}},
		{"brand", c.brand, []colour{c.background, c.surface}},
	} {
		lowest := least(text.colour, text.on...)
		if lowest >= MinContrast {
			continue
		}
		remedy := "change the background or the surface"
		if better, ok := readable(text.colour, text.on...); ok {
			remedy = "take " + better.String() + ", say"
		}
		faults = append(faults, peal.Fault(text.field, message.ThemeContrast, fmt.Sprintf("%.1f", lowest), fmt.Sprintf("%.1f", MinContrast), remedy))
	}
	return peal.JoinFaults(faults...)
}
