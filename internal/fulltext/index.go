package fulltext

import (
	"hash/fnv"
	"slices"
)

// Index collects the distinct words of an event.
type Index struct {
	words map[string]struct{}
	left  int // remaining bytes of text
}

// NewIndex creates an empty index.
func NewIndex() *Index { return &Index{words: map[string]struct{}{}, left: MaxDocument} }

// Text adds the words of a text.
func (x *Index) Text(text []byte) {
	if x.left -= min(len(text), MaxText); x.left < 0 {
		x.left = 0
		return
	}
	eachWord(text, func(word []byte) bool {
		if _, known := x.words[string(word)]; !known {
			x.words[string(word)] = struct{}{}
		}
		return true
	})
}

// Fact adds a property that is not a word, such as the tenant. Its name starts with "_", unlike any
// word.
func (x *Index) Fact(name string) { x.words[name] = struct{}{} }

// Words returns the words and facts in order.
func (x *Index) Words() []string {
	words := make([]string, 0, len(x.words))
	for word := range x.words {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

// Sum returns a hash of a list of words.
func Sum(words []string) int64 {
	h := fnv.New64a()
	for _, word := range words {
		_, _ = h.Write([]byte(word)) // a hash never fails
		_, _ = h.Write([]byte{' '})
	}
	return int64(h.Sum64())
}
