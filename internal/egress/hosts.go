package egress

import (
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// matchHost reports whether a canonical host is one of the patterns: a name, or
// *.name for all names below it.
func matchHost(patterns []string, host string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if below, ok := strings.CutPrefix(pattern, "*"); ok {
			return len(host) > len(below) && strings.HasSuffix(host, below)
		}
		return host == pattern
	})
}

// maxHost is the longest name that DNS has (RFC 1035, section 2.3.4).
const maxHost = 253

// validateHosts refuses what would silently match nothing.
func validateHosts(field string, patterns []string) error {
	for _, pattern := range patterns {
		name := strings.TrimPrefix(pattern, "*.")
		if len(name) > maxHost || isNumeric(name) || slices.ContainsFunc(strings.Split(name, "."), badLabel) {
			return peal.Invalidf(field, "holds %q: write host names in lower case, such as hooks.example.com, or *.example.com for all below it; networks belong in egress.%s",
				pattern, strings.TrimSuffix(strings.TrimPrefix(field, "egress."), "_hosts"))
		}
	}
	return nil
}

func badLabel(label string) bool {
	return label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
}
