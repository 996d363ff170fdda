package config

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// DefaultFile is read from the working directory when no other file is named.
const DefaultFile = "peal.yaml"

// Sources is where settings come from, besides the defaults.
type Sources struct {
	// File is the path of the file; "" reads [DefaultFile] if it is there.
	File string
	// Env returns the value of an environment variable, "" if it is not set; nil for no
	// environment. A variable that is set but empty counts as not set.
	Env func(name string) string
	// Flags are the values of the flags that were given, by name without dashes.
	Flags map[string]string
}

// Loaded is settings, and where each of them was set.
type Loaded struct {
	Config

	// File is the path of the file that was read; "" when there was none.
	File string
	// Webhooks are those of the file, in its order; nil when there was no file.
	Webhooks []Webhook
	// Formats are those of the file, in its order.
	Formats []Format
	// VariableScopes say to which webhooks variables may go, by their names.
	VariableScopes map[string]VariableScope

	origins map[string]string // by option name; the defaults have none
}

// Load reads the settings from all sources. The error has code [peal.Invalid]; its
// Field is the place, such as "peal.yaml:3: listen" or "PEAL_LISTEN". It never
// holds the value of a secret.
func Load(sources Sources) (*Loaded, error) {
	loaded := &Loaded{Config: Default(), origins: make(map[string]string)}
	options := Options()
	if err := loaded.readFile(options, sources); err != nil {
		return nil, err
	}
	if sources.Env != nil {
		if err := loaded.readEnvironment(options, sources.Env); err != nil {
			return nil, err
		}
	}
	if err := loaded.readFlags(options, sources.Flags); err != nil {
		return nil, err
	}
	if err := loaded.Validate(); err != nil {
		return nil, loaded.Explain(err)
	}
	return loaded, nil
}

func (l *Loaded) readFlags(options []Option, flags map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		i := slices.IndexFunc(options, func(o Option) bool { return o.Flag == name })
		if i < 0 || name == "" {
			return peal.Invalidf("--"+name, "is not the flag of a setting")
		}
		o := &options[i]
		if flags[name] == "" {
			o.field(&l.Config).SetZero() // given as empty, so nothing set before holds
		} else if err := o.parse(&l.Config, flags[name]); err != nil {
			return peal.Invalidf("--"+name, "%s", err)
		}
		l.origins[o.Name] = "flag --" + name
	}
	return nil
}

// Explain adds the origin of a setting to an error about it or a part of it: Field becomes
// "peal.yaml:3: listen", "PEAL_LISTEN" or "--listen", for example. Other errors are returned
// unchanged.
func (l *Loaded) Explain(err error) error {
	if several := peal.FaultsOf(err); len(several) > 1 {
		explained := make([]error, len(several))
		for i, one := range several {
			explained[i] = l.Explain(one)
		}
		return peal.JoinFaults(explained...)
	}
	var e *peal.Error
	if !errors.As(err, &e) {
		return err
	}
	nearest := "" // the longest name of what the field is a part of
	for name := range l.origins {
		part, ok := strings.CutPrefix(e.Field, name)
		if ok && len(name) > len(nearest) && (part == "" || strings.ContainsRune("._[", rune(part[0]))) {
			nearest = name
		}
	}
	if nearest == "" {
		return err
	}
	explained := *e
	switch kind, place, _ := strings.Cut(l.origins[nearest], " "); kind {
	case "env", "flag":
		explained.Field = place + strings.TrimPrefix(e.Field, nearest)
	default:
		explained.Field = l.origins[nearest] + ": " + e.Field
	}
	return &explained
}
