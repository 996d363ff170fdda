package wire

import (
	"bytes"
	"encoding/json"
	"iter"
)

// bodyVariants returns the body, and its common modifications by well-meaning code.
func bodyVariants(body []byte) []variant {
	list := []variant{{text: body}}
	add := func(text []byte, message string) {
		for _, v := range list {
			if bytes.Equal(v.text, text) {
				return
			}
		}
		list = append(list, variant{text, Mistake{MistakeBody, message}})
	}
	add(bytes.TrimRight(body, "\r\n"), "the line break at the body's end was not signed: something added it; verify the bytes as they came")
	add(append(bytes.Clone(body), '\n'), "the body was signed with a line break at its end, which is missing here: something took it away; verify the bytes as they came")
	add(append(bytes.Clone(body), '\r', '\n'), "the body was signed with a line break at its end, which is missing here: something took it away; verify the bytes as they came")
	add(bytes.TrimSpace(body), "the white space around the body was not signed: something added it; verify the bytes as they came")
	add(bytes.TrimPrefix(body, []byte("\ufeff")), "a byte order mark stands before the body that was not signed: verify the bytes as they came")
	add(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "the body's line breaks were turned into CR LF: verify the bytes as they came")
	add(bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")), "the body's line breaks were turned into LF: verify the bytes as they came")
	add(nil, "no body was signed: the signature fits an empty one; it was read away before it was verified")
	if !json.Valid(body) {
		return list
	}
	const remedy = ": the body was parsed and written again on one side; verify the bytes as they came, before parsing them"
	add(Plain.Append(nil, body), "the signature fits the same JSON as JavaScript's JSON.stringify writes it"+remedy)
	add(GoEscaped.Append(nil, body), "the signature fits the same JSON as Go's json.Marshal writes it, with <, > and & escaped"+remedy)
	add(Python.Append(nil, body), "the signature fits the same JSON as Python's json.dumps writes it, with spaces and \\u escapes"+remedy)
	add(spaced(body), "the signature fits the same JSON with spaces after commas and colons, as Python's json.dumps(ensure_ascii=False) writes it"+remedy)
	add(compactASCII(body, false), "the signature fits the same JSON without spaces and with \\u escapes, as Python's json.dumps(separators=(',', ':')) writes it"+remedy)
	add(compactASCII(body, true), "the signature fits the same JSON as PHP's json_encode writes it, with \\/ and \\u escapes"+remedy)
	for _, indent := range []string{"  ", "    ", "\t"} {
		var out bytes.Buffer
		if json.Indent(&out, body, "", indent) == nil { // it is valid
			add(out.Bytes(), "the signature fits the same JSON with line breaks and indentation"+remedy)
		}
	}
	add(sorted(body), "the signature fits the same JSON with its members sorted by name"+remedy)
	return list
}

// spaced returns JSON with spaces between tokens and unescaped characters.
func spaced(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(body)/4)
	for token := range tokens(Plain.Append(nil, body)) {
		out = append(out, token...)
		if token[0] == ',' || token[0] == ':' {
			out = append(out, ' ')
		}
	}
	return out
}

// compactASCII returns JSON without spaces, otherwise in the style of Python.
func compactASCII(body []byte, escapeSlash bool) []byte {
	out := make([]byte, 0, len(body)+len(body)/4)
	for token := range tokens(Python.Append(nil, body)) {
		if escapeSlash {
			token = bytes.ReplaceAll(token, []byte("/"), []byte(`\/`))
		}
		out = append(out, token...)
	}
	return out
}

// tokens iterates over the tokens of JSON: brackets, commas, colons, strings, numbers and words.
func tokens(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := skipSpace(text, 0); i < len(text); i = skipSpace(text, i) {
			from := i
			switch text[i] {
			case '{', '}', '[', ']', ',', ':':
				i++
			default:
				i = skipValue(text, i)
			}
			if !yield(text[from:i]) {
				return
			}
		}
	}
}

// sorted returns compact JSON with sorted members.
func sorted(body []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil {
		return body
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return body
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
