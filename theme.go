package peal

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
)

// Limits of a theme.
const (
	MaxThemeName = 60       // characters of the name
	MaxThemeLogo = 64 << 10 // bytes of the logo
)

// ThemeMode determines whether pages are light or dark.
type ThemeMode string

// The modes. "" is the deployment's mode.
const (
	ThemeAuto  ThemeMode = "auto"  // follows the viewer's system
	ThemeLight ThemeMode = "light" // always light
	ThemeDark  ThemeMode = "dark"  // always dark
)

// PortalPart is a part of the portal that a theme can hide.
type PortalPart string

// The parts that can be hidden. The webhooks themselves are always visible.
const (
	PartOverview   PortalPart = "overview"   // charts and problems of all webhooks
	PartDeliveries PortalPart = "deliveries" // the list of deliveries, and each of them
	PartEvents     PortalPart = "events"     // the list of events, and each of them
	PartCatalogue  PortalPart = "catalogue"  // the documentation of event types
	PartReplays    PortalPart = "replays"    // replaying events that a webhook missed
	PartTests      PortalPart = "tests"      // sending a test event
	PartSecrets    PortalPart = "secrets"    // showing and changing secrets
)

// PortalParts returns all parts that can be hidden.
func PortalParts() []PortalPart {
	return []PortalPart{PartOverview, PartDeliveries, PartEvents, PartCatalogue, PartReplays, PartTests, PartSecrets}
}

// ThemePalette is the set of colours of pages in one mode, each as #rrggbb; "" for the deployment's
// colour or Peal's default.
type ThemePalette struct {
	Brand      string `json:"brand,omitempty"`      // links and main buttons
	Background string `json:"background,omitempty"` // the page
	Surface    string `json:"surface,omitempty"`    // cards
	Text       string `json:"text,omitempty"`
}

// Theme is the look of the portal for a tenant's customers. Empty fields have the deployment's
// values.
type Theme struct {
	// Name appears on the pages instead of Peal's.
	Name string `json:"name,omitempty"`
	// Logo is a PNG, JPEG, GIF, WebP or SVG picture, shown 28 pixels high.
	Logo []byte    `json:"-"`
	Mode ThemeMode `json:"mode,omitempty"`
	// Light and Dark are the colours of each mode.
	Light ThemePalette `json:"light,omitzero"`
	Dark  ThemePalette `json:"dark,omitzero"`
	// Language is the language of the pages, such as de; "" for the viewer's.
	Language string `json:"language,omitempty"`
	// Hidden are the parts that the tenant's customers cannot see or use.
	Hidden []PortalPart `json:"hidden,omitempty"`
	// Revision counts the changes of a tenant's theme; 0 if there is none. The store sets
	// it; an update carries the revision that it was made from.
	Revision int64 `json:"-"`
}

// Validate checks everything except the contrast of the colours. The error has code [Invalid]
// and names the field, such as light.brand; see [FaultsOf].
func (t *Theme) Validate() error {
	var faults []error
	if utf8.RuneCountInString(t.Name) > MaxThemeName || !utf8.ValidString(t.Name) || strings.ContainsFunc(t.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		faults = append(faults, Fault("name", message.ThemeName, MaxThemeName))
	}
	if len(t.Logo) > MaxThemeLogo {
		faults = append(faults, Fault("logo", message.LogoTooLarge, len(t.Logo), MaxThemeLogo))
	}
	switch t.Mode {
	case "", ThemeAuto, ThemeLight, ThemeDark:
	default:
		faults = append(faults, Fault("mode", message.ThemeMode))
	}
	faults = append(faults, PrefixField("light", t.Light.validate()), PrefixField("dark", t.Dark.validate()))
	if len(t.Language) > 8 || strings.ContainsFunc(t.Language, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }) {
		faults = append(faults, Fault("language", message.ThemeLanguage))
	}
	for i, part := range t.Hidden {
		if !slices.Contains(PortalParts(), part) {
			faults = append(faults, Fault("hidden["+itoa(i)+"]", message.OneOf, "overview, deliveries, events, catalogue, replays, tests, secrets"))
		}
	}
	return JoinFaults(faults...)
}

func (p *ThemePalette) validate() error {
	var faults []error
	for _, colour := range []struct{ field, value string }{{"brand", p.Brand}, {"background", p.Background}, {"surface", p.Surface}, {"text", p.Text}} {
		if !isColour(colour.value) {
			faults = append(faults, Fault(colour.field, message.ThemeColour))
		}
	}
	return JoinFaults(faults...)
}

func isColour(text string) bool {
	if text == "" {
		return true
	}
	return len(text) == 7 && text[0] == '#' && strings.Trim(text[1:], "0123456789abcdefABCDEF") == ""
}

// Over returns the theme with its empty fields taken from base, and with the hidden parts of both.
func (t Theme) Over(base Theme) Theme {
	fill := func(value *string, other string) {
		if *value == "" {
			*value = other
		}
	}
	fill(&t.Name, base.Name)
	fill(&t.Language, base.Language)
	for palette, other := range map[*ThemePalette]*ThemePalette{&t.Light: &base.Light, &t.Dark: &base.Dark} {
		fill(&palette.Brand, other.Brand)
		fill(&palette.Background, other.Background)
		fill(&palette.Surface, other.Surface)
		fill(&palette.Text, other.Text)
	}
	if len(t.Logo) == 0 {
		t.Logo = base.Logo
	}
	if t.Mode == "" {
		t.Mode = base.Mode
	}
	t.Hidden = slices.Concat(base.Hidden, t.Hidden) // what the deployment hides stays hidden
	slices.Sort(t.Hidden)
	t.Hidden = slices.Compact(t.Hidden)
	return t
}
