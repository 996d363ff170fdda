package config

import "strings"

// suggestion names the setting that an unknown name is nearest to; "" when none is near.
func (f *file) suggestion(name string) string {
	best, nearest := "", 3
	for i := range f.options {
		candidate := f.options[i].Name
		if d := distance(name, candidate); d < nearest {
			best, nearest = candidate, d
		}
		if _, last, ok := strings.Cut(candidate, "."); ok && last == name {
			return "; did you mean " + last + " under " + strings.TrimSuffix(candidate, "."+last) + "?"
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
