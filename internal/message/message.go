// Package message is the table of sentences about failures that a user can cause, in English. Each
// has a key, by which the pages find it in another language. A sentence is written in one place:
// to change its words, change them here; to change what it means, give it a new key.
//
// Failures that only an operator or a program can cause, such as those of options, have no key.
package message

import (
	"fmt"
	"strings"
	"unicode"
)

// Message is a sentence with its key, in the form "key: sentence". The sentence has no full stop at
// its end and may have placeholders: names in small letters, such as {limit}.
type Message string

// Key returns the name of the sentence in the tables of other languages.
func (m Message) Key() string {
	key, _, _ := strings.Cut(string(m), ": ")
	return key
}

// English returns the sentence with its placeholders.
func (m Message) English() string {
	_, sentence, _ := strings.Cut(string(m), ": ")
	return sentence
}

// With returns the sentence about values: one for each placeholder, in the order in which English
// first names them.
func (m Message) With(values ...any) Text { return Text{m, values} }

// Text is a sentence about values. Its zero value is no sentence.
type Text struct {
	Message Message
	Values  []any
}

// String returns the text in English.
func (t Text) String() string {
	return t.In(t.Message.English(), func(value any) string { return fmt.Sprint(value) })
}

// English returns texts in English.
func English(texts []Text) []string {
	english := make([]string, len(texts))
	for i, t := range texts {
		english[i] = t.String()
	}
	return english
}

// In returns the text in the words of sentence, which has the placeholders of the English one in
// any order. Show formats a value; one that is a Text is part of the sentence.
func (t Text) In(sentence string, show func(value any) string) string {
	if len(t.Values) == 0 {
		return sentence
	}
	names := Placeholders(t.Message.English())
	var b strings.Builder
	for sentence != "" {
		before, name, after := next(sentence)
		b.WriteString(before)
		for i, known := range names {
			if known == name && i < len(t.Values) {
				b.WriteString(show(t.Values[i]))
			}
		}
		sentence = after
	}
	return b.String()
}

// Placeholders returns the names of a sentence's placeholders in the order of their first
// appearance.
func Placeholders(sentence string) []string {
	var names []string
	seen := make(map[string]bool)
	for sentence != "" {
		var name string
		if _, name, sentence = next(sentence); name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// next splits a sentence at its first placeholder; without one, before is the whole sentence.
func next(sentence string) (before, name, after string) {
	for at := 0; at < len(sentence); at++ {
		if sentence[at] != '{' {
			continue
		}
		name, after, closed := strings.Cut(sentence[at+1:], "}")
		small := func(r rune) bool { return unicode.IsLower(r) || r == '_' }
		if closed && name != "" && strings.TrimFunc(name, small) == "" {
			return sentence[:at], name, after
		}
	}
	return sentence, "", ""
}
