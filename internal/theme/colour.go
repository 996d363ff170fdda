// Package theme makes the colours of the portal out of those that somebody chose, and
// refuses colours that cannot be read on each other.
package theme

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
)

// MinContrast is the least contrast of text to what is behind it (WCAG 2.2, section 1.4.3).
const MinContrast = 4.5

// colour is red, green and blue, each from 0 to 1.
type colour [3]float64

// parse reads #rrggbb, which was checked before.
func parse(text string) colour {
	n, _ := strconv.ParseUint(text[1:], 16, 32)
	return colour{float64(n>>16&255) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}
}

func (c colour) String() string {
	byteOf := func(part float64) int { return int(math.Round(part * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", byteOf(c[0]), byteOf(c[1]), byteOf(c[2]))
}

// mix gives the colour with a part of another in it.
func (c colour) mix(other colour, part float64) colour {
	for i := range c {
		c[i] += (other[i] - c[i]) * part
	}
	return parse(c.String()) // as it will be shown
}

// luminance is how bright a colour is (WCAG 2.2, "relative luminance").
func (c colour) luminance() float64 {
	linear := func(part float64) float64 {
		if part <= 0.04045 {
			return part / 12.92
		}
		return math.Pow((part+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// Contrast is how well one colour is told from another: 1 to 21 (WCAG 2.2, "contrast
// ratio"). Both must be #rrggbb.
func Contrast(a, b string) float64 { return contrast(parse(a), parse(b)) }

var black, white = colour{}, colour{1, 1, 1}

// readable gives the nearest colour to c, towards black or white, that can be read on
// all of the others; false when none can.
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

// Validate checks a theme with its colours. The error has code [peal.Invalid], names
// the field, and says which colour near it would do.
func Validate(t peal.Theme) error {
	faults := []error{t.Validate()}
	if len(t.Logo) > 0 && len(t.Logo) <= peal.MaxThemeLogo {
		_, err := LogoType(t.Logo)
		faults = append(faults, err)
	}
	light, dark := palettes(t)
	// Contrast is judged only of palettes whose colours are colours.
	if wrong := fieldsOf(faults[0]); !wrong["light"] && !wrong["dark"] {
		faults = append(faults, peal.Within("light", check(light)), peal.Within("dark", check(dark)))
	}
	return peal.Faults(faults...)
}

// fieldsOf returns the fields that an error is about, each without what follows a dot.
func fieldsOf(err error) map[string]bool {
	fields := make(map[string]bool)
	for _, fault := range peal.FaultsOf(err) {
		field, _, _ := strings.Cut(fault.Field, ".")
		fields[field] = true
	}
	return fields
}

// check tells whether everything on a page can be read.
func check(p peal.Palette) error {
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
		faults = append(faults, peal.Invalidf(text.field, "has a contrast of %.1f to 1 to what is behind it, which many people cannot read; at least %.1f to 1 is needed: %s", lowest, MinContrast, remedy))
	}
	return peal.Faults(faults...)
}
