package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// Format finds a format by the name that webhooks use: a built-in one or one of
// [Options.Formats].
func (e *Engine) Format(name string) (*wire.Format, bool) {
	if f, ok := wire.Lookup(name); ok {
		return f, true
	}
	for _, f := range e.options.Formats {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// Formats lists all formats, sorted by name.
func (e *Engine) Formats() []*wire.Format {
	list := slices.Concat(wire.Formats(), e.options.Formats)
	slices.SortFunc(list, func(a, b *wire.Format) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (e *Engine) formatNames() string {
	var names []string
	for _, f := range e.Formats() {
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
