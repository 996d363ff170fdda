package config

import (
	"maps"
	"slices"
	"strings"
)

// suggestion names the setting that an unknown name is nearest to; "" when none is near.
func (f *file) suggestion(name string) string {
	candidates := []string{webhooksName, formatsName}
	for i := range f.options {
		candidate := f.options[i].Name
		candidates = append(candidates, candidate)
		if _, last, ok := strings.Cut(candidate, "."); ok && last == name {
			return "; did you mean " + last + " under " + strings.TrimSuffix(candidate, "."+last) + "?"
		}
	}
	return closest(name, candidates)
}

// nearest names the field that an unknown one is nearest to.
func nearest[V any](name string, fields map[string]V) string {
	return closest(name, slices.Sorted(maps.Keys(fields)))
}

func closest(name string, candidates []string) string {
	best, nearest := "", 3
	for _, candidate := range candidates {
		d := distance(name, candidate)
		if strings.HasPrefix(candidate, name+"_") {
			d = 1 // timeout for timeout_ms
		}
		if d < nearest {
			best, nearest = candidate, d
		}
	}
	if best == "" {
		return "; docs/configuration.md lists them"
	}
	return "; did you mean " + best + "?"
}

// distance counts the characters to insert, delete or replace to make one text of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
