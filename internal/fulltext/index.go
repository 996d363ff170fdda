package fulltext

import (
	"hash/fnv"
	"slices"
)

// Index gathers the words of an event, each once.
type Index struct {
	words map[string]struct{}
	left  int // bytes of text that are still taken
}

// NewIndex gives an index without words.
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

// Fact adds something that is no word, such as whose event it is: its name begins with
// "_", which no word does.
func (x *Index) Fact(name string) { x.words[name] = struct{}{} }

// Words gives what was gathered in order.
func (x *Index) Words() []string {
	words := make([]string, 0, len(x.words))
	for word := range x.words {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

// Sum tells lists of words apart.
func Sum(words []string) int64 {
	h := fnv.New64a()
	for _, word := range words {
		_, _ = h.Write([]byte(word)) // a hash takes everything
		_, _ = h.Write([]byte{' '})
	}
	return int64(h.Sum64())
}
