package wire

import (
	"maps"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// maxFilled is the maximum length of a header's value with its variables, in bytes: the limit of
// common servers for a header line.
const maxFilled = 8 << 10

// CheckHeaders returns an error if the header values of a webhook use unavailable variables, so
// that mistakes are found when the webhook is saved. Errors are [peal.JoinFaults] with code Invalid and
// the header's name in the field.
func CheckHeaders(w *peal.Webhook, variables func(name string) (value string, ok bool)) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		_, err := fill("headers."+name, w.Headers[name], variables)
		faults = append(faults, err)
	}
	return peal.JoinFaults(faults...)
}

// fill replaces each {{NAME}} in a header's value. A name is a letter or "_", followed by letters,
// digits and "_"; spaces inside the braces are ignored.
func fill(field, value string, variables func(string) (string, bool)) (string, error) {
	from := strings.Index(value, "{{")
	if from < 0 {
		return value, nil
	}
	var filled strings.Builder
	rest := value
	for ; from >= 0; from = strings.Index(rest, "{{") {
		name, after, closed := strings.Cut(rest[from+2:], "}}")
		name = strings.Trim(name, " ")
		if !closed || !isVariable(name) {
			return "", peal.Fault(field, message.VariableOpen)
		}
		var text string
		known := false
		if variables != nil {
			text, known = variables(name)
		}
		if !known {
			return "", peal.Fault(field, message.VariableUnavailable, name)
		}
		filled.WriteString(rest[:from])
		filled.WriteString(text)
		rest = after
		if filled.Len()+len(rest) > maxFilled {
			return "", peal.Fault(field, message.FilledTooLong, maxFilled)
		}
	}
	filled.WriteString(rest)
	result := filled.String()
	for i := range len(result) {
		if c := result[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return "", peal.Fault(field, message.VariableLineBreak)
		}
	}
	return result, nil
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c|0x20-'a' > 25 && c != '_' && (c-'0' > 9 || i == 0) {
			return false
		}
	}
	return name != ""
}
