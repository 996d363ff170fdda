package main

import (
	"fmt"
	"slices"
	"strings"
)

// initialisms are the words that Go writes in capitals.
var initialisms = []string{"id", "url", "uuid", "ip", "dns", "tls", "ms", "api", "json", "html", "http", "pem"}

// goName returns the exported Go name of a JSON member or of a value: timeout_ms becomes TimeoutMS.
func goName(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' }) {
		switch {
		case slices.Contains(initialisms, word):
			b.WriteString(strings.ToUpper(word))
		case strings.HasSuffix(word, "s") && slices.Contains(initialisms, strings.TrimSuffix(word, "s")) && word != "ms" && word != "tls" && word != "dns":
			b.WriteString(strings.ToUpper(strings.TrimSuffix(word, "s")) + "s")
		case word == "oauth2":
			b.WriteString("OAuth2")
		case word == "openid":
			b.WriteString("OpenID")
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// methodName returns the name of the method of an operation.
func methodName(id string) string {
	for _, verb := range []string{"list-", "get-"} {
		id = strings.TrimPrefix(id, verb)
	}
	return goName(id)
}

// firstSentence returns the doc comment of a method.
func firstSentence(name string, op *operation) string {
	summary := strings.ToLower(op.Summary[:1]) + op.Summary[1:]
	text := fmt.Sprintf("%s calls %s %s: %s.", name, strings.ToUpper(op.method), op.path, strings.TrimSuffix(summary, "."))
	if op.Description != "" {
		text += " " + strings.ReplaceAll(op.Description, "\n\n", " ")
	}
	return text
}

// comment writes text as a comment of lines of at most 100 columns, with an indent.
func comment(b interface{ WriteString(string) (int, error) }, indent, text string) {
	if text == "" {
		return
	}
	line := indent + "//"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 100 && line != indent+"//" {
			b.WriteString(line + "\n")
			line = indent + "//"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
