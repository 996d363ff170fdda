package wire

import (
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// formats lists the built-in formats, sorted by name. They are immutable: callers receive copies.
var formats = []*Format{
	cloudEvents, cloudEventsBinary, dejaCode, discord, gitHub, msTeams,
	slack, standard, stripe, vikunja, wireGuardPortal, xWebhook,
}

// Lookup returns a copy of the built-in format with a name, and reports whether there is one.
func Lookup(name string) (*Format, bool) {
	f, err := lookup(name)
	if err != nil {
		return nil, false
	}
	return f.clone(), true
}

// Formats returns copies of all built-in formats, sorted by name.
func Formats() []*Format {
	list := make([]*Format, len(formats))
	for i, f := range formats {
		list[i] = f.clone()
	}
	return list
}

// lookup returns the built-in format itself.
func lookup(name string) (*Format, error) {
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
	}
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.Name
	}
	return nil, peal.Fault("format", message.FormatUnknown, strings.Join(names, ", "))
}
