package dashboard

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// saying is a message of the domain, as English has it, and its key in the texts.
type saying struct {
	key     string
	pattern *regexp.Regexp
	names   []string // of its placeholders, in their order
	literal int      // how many bytes of it are no placeholders
}

// sayingsUnder is where the texts hold the domain's messages.
const sayingsUnder = "said."

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// sayings reads the domain's messages out of the English texts. Those with more of their
// own words come first, so that the closest one is found.
func sayings(english *texts) []saying {
	var all []saying
	for key, text := range english.all {
		if !strings.HasPrefix(key, sayingsUnder) {
			continue
		}
		s := saying{key: key, literal: len(placeholder.ReplaceAllString(text, ""))}
		for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
			s.names = append(s.names, match[1])
		}
		words := placeholder.Split(text, -1)
		for i := range words {
			words[i] = regexp.QuoteMeta(words[i])
		}
		s.pattern = regexp.MustCompile("(?s)^" + strings.Join(words, "(.*?)") + "$")
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b saying) int { return cmp.Or(b.literal-a.literal, strings.Compare(a.key, b.key)) })
	return all
}

// said gives a message of the domain, which speaks English, in the language of the
// texts. One that they do not know stays as it is.
func (t *texts) said(message string) string {
	for _, s := range t.sayings() {
		values := s.pattern.FindStringSubmatch(message)
		if values == nil {
			continue
		}
		var pairs []any
		for n, name := range s.names {
			pairs = append(pairs, name, t.said(values[n+1])) // a cause may be a message itself
		}
		return t.get(s.key, pairs...)
	}
	return message
}
