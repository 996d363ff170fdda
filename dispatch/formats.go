package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// Format returns the format with the name that webhooks use, and reports whether there is one:
// a built-in format or one of [Options.Formats]. It is shared with the engine; do not change it.
func (e *Engine) Format(name string) (*wire.Format, bool) {
	for _, f := range e.options.Formats {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// Formats returns all formats, sorted by name. They are shared with the engine; do not change
// them.
func (e *Engine) Formats() []*wire.Format { return slices.Clone(e.options.Formats) }

// allFormats returns the built-in formats and the given ones, sorted by name.
func allFormats(own []*wire.Format) []*wire.Format {
	list := slices.Concat(wire.Formats(), own)
	slices.SortFunc(list, func(a, b *wire.Format) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (e *Engine) formatNames() string {
	var names []string
	for _, f := range e.options.Formats {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// validateFormats checks the formats that the engine gets beside the built-in ones.
func validateFormats(formats []*wire.Format) error {
	seen := make(map[string]bool, len(formats))
	for i, f := range formats {
		field := fmt.Sprintf("formats[%d]", i)
		if f == nil || f.Name == "" || f.Encode == nil {
			return peal.Invalidf(field, "needs a name and Encode")
		}
		if _, builtIn := wire.Lookup(f.Name); builtIn {
			return peal.Invalidf(field+".name", "is that of a built-in format: choose another")
		}
		if seen[f.Name] {
			return peal.Invalidf(field+".name", "is that of another format too: give each a name of its own")
		}
		seen[f.Name] = true
	}
	return nil
}
