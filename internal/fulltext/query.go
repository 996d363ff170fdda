package fulltext

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// Limits of a query.
const (
	MaxQuery  = 256 // characters
	MaxWords  = 16  // words
	MinPrefix = 3   // characters before a *
)

// Query is a set of terms that must all be found.
type Query struct {
	terms []term
}

// term is a sequence of consecutive words. With prefix, the last one is the prefix of a word.
type term struct {
	words  []string
	prefix bool
}

// Parse parses a query: terms separated by spaces, and phrases in double quotes. A * at the end of
// a term matches any end of its last word. Separators between the words of a term are ignored. The
// error has code [peal.Invalid] and the field "text".
func Parse(text string) (Query, error) {
	var q Query
	if n := utf8.RuneCountInString(text); n > MaxQuery {
		return q, peal.Fault("text", message.SearchTooLong, n, MaxQuery)
	}
	if !utf8.ValidString(text) {
		return q, peal.Fault("text", message.InvalidUTF8)
	}
	for count := 0; ; {
		text = strings.TrimSpace(text)
		if text == "" {
			break
		}
		var part string
		if strings.HasPrefix(text, `"`) {
			phrase, rest, closed := strings.Cut(text[1:], `"`)
			if !closed {
				return q, peal.Fault("text", message.SearchQuote)
			}
			if strings.HasPrefix(rest, "*") {
				phrase, rest = phrase+"*", rest[1:]
			}
			part, text = phrase, rest
		} else {
			part, text = cutTerm(text)
		}
		t, err := termOf(part)
		if err != nil {
			return q, err
		}
		if len(t.words) == 0 {
			continue // only separators
		}
		q.terms = append(q.terms, t)
		if count += len(t.words); count > MaxWords {
			return q, peal.Fault("text", message.SearchWords, MaxWords)
		}
	}
	if len(q.terms) == 0 {
		return q, peal.Fault("text", message.SearchEmpty)
	}
	return q, nil
}

// cutTerm splits a text at the next space or quote.
func cutTerm(text string) (part, rest string) {
	if end := strings.IndexAny(text, " \t\r\n\""); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

func termOf(text string) (term, error) {
	var t term
	text, t.prefix = strings.CutSuffix(text, "*")
	if strings.Contains(text, "*") {
		return t, peal.Fault("text", message.SearchStarInside)
	}
	eachWord([]byte(text), func(word []byte) bool {
		t.words = append(t.words, string(word))
		return len(t.words) <= MaxWords
	})
	if t.prefix && len(t.words) == 0 {
		return t, peal.Fault("text", message.SearchStarAlone)
	}
	if t.prefix {
		last := t.words[len(t.words)-1]
		if utf8.RuneCountInString(last) < MinPrefix {
			return t, peal.Fault("text", message.SearchStarShort, strconv.Quote(last), MinPrefix)
		}
	}
	return t, nil
}

// Word is a word to look up in an index.
type Word struct {
	Text   string
	Prefix bool // Text is the prefix of a word
}

// Words returns the words that an event must contain to match the query.
func (q *Query) Words() []Word {
	var words []Word
	for _, t := range q.terms {
		for i, text := range t.words {
			words = append(words, Word{text, t.prefix && i == len(t.words)-1})
		}
	}
	return words
}

// Terms is a set of a query's terms.
type Terms uint32

// All reports whether a set contains all terms.
func (q *Query) All(found Terms) bool { return found == 1<<len(q.terms)-1 }

// In returns the terms found in a text.
func (q *Query) In(text []byte) Terms {
	var found Terms
	var places [MaxWords]uint32 // by term: bit n is set if its first n+1 words end here
	eachWord(text, func(word []byte) bool {
		for i := range q.terms {
			t := &q.terms[i]
			before := places[i]<<1 | 1
			places[i] = 0
			for n := range t.words {
				if before&(1<<n) != 0 && t.matches(n, word) {
					places[i] |= 1 << n
				}
			}
			if places[i]&(1<<(len(t.words)-1)) != 0 {
				found |= 1 << i
			}
		}
		return !q.All(found)
	})
	return found
}

// matches reports whether a word matches the nth word of the term.
func (t *term) matches(n int, word []byte) bool {
	if t.prefix && n == len(t.words)-1 {
		return bytes.HasPrefix(word, []byte(t.words[n]))
	}
	return string(word) == t.words[n]
}
