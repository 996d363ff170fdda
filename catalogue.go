package peal

import "strings"

// DefaultCatalogue is the catalogue of every tenant that names no other. It always exists.
const DefaultCatalogue = "default"

// MaxCatalogueLength is the longest name of a catalogue, in bytes.
const MaxCatalogueLength = 64

// ValidateCatalogue checks the name of a catalogue: 1 to 64 letters, digits, dots,
// underscores and hyphens, the first of them a letter or digit. The error has code
// [Invalid] and the field "catalogue".
func ValidateCatalogue(name string) error {
	if name == "" || len(name) > MaxCatalogueLength {
		return Invalidf("catalogue", "must have 1 to %d characters", MaxCatalogueLength)
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20-'a' <= 25 || c-'0' <= 9 || i > 0 && strings.IndexByte("._-", c) >= 0 {
			continue
		}
		return Invalidf("catalogue", "must be letters, digits and \"._-\", starting with a letter or digit")
	}
	return nil
}

// catalogueOr returns a catalogue's name, of which "" stands for the default.
func catalogueOr(name string) string {
	if name == "" {
		return DefaultCatalogue
	}
	return name
}

// CatalogueName returns the name of the catalogue that describes the tenant's events.
func (t *Tenant) CatalogueName() string { return catalogueOr(t.Catalogue) }

// Key returns the text that identifies the entry among those of all catalogues: the
// catalogue's name, a slash, and the type's name. Neither name contains a slash.
func (t *EventType) Key() string { return catalogueOr(t.Catalogue) + "/" + t.Name }

// EventTypeKey returns the [EventType.Key] of a type in a catalogue; "" is the default one.
func EventTypeKey(catalogue, name string) string {
	return (&EventType{Catalogue: catalogue, Name: name}).Key()
}

// EventTypesEnd returns the least text that sorts after the keys of all types of a
// catalogue, byte by byte: "0" is the character after "/".
func EventTypesEnd(catalogue string) string { return catalogueOr(catalogue) + "0" }

// SetKey sets the entry's Catalogue and Name from what [EventType.Key] returned.
func (t *EventType) SetKey(key string) {
	t.Catalogue, t.Name, _ = strings.Cut(key, "/")
}
