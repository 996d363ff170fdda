package main

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

func isCurl(text []byte) bool {
	word, _, _ := bytes.Cut(text, []byte(" "))
	return string(bytes.TrimSpace(word)) == "curl"
}

// parseCurl reads a curl command as the shell and curl would, as far as headers and
// body go.
func parseCurl(command string) (captured, error) {
	words, err := shellWords(command)
	if err != nil {
		return captured{}, err
	}
	c := captured{header: http.Header{}}
	var data [][]byte
	for i := 1; i < len(words); i++ {
		option, value, given := curlOption(words[i])
		if option == "" {
			continue
		}
		if !given {
			if i++; i == len(words) {
				return captured{}, notCaptured("curl's %s has no value", option)
			}
			value = words[i]
		}
		if option == "header" {
			if name, text, ok := strings.Cut(value, ":"); ok {
				c.header.Add(strings.TrimSpace(name), strings.TrimSpace(text))
			}
			continue
		}
		part, err := curlData(option, value)
		if err != nil {
			return captured{}, err
		}
		data = append(data, part)
	}
	if data == nil {
		return captured{}, notCaptured("the curl command sends no data (--data-raw and the like)")
	}
	c.body = bytes.Join(data, []byte("&"))
	c.measure()
	return c, nil
}

// The options of curl that make headers and body.
var curlOptions = []string{"header", "data", "data-ascii", "data-raw", "data-binary", "json"}

// curlWithValue are curl's other short options that take a value.
const curlWithValue = "AbcCDeEFhKmoPQrtTuUwxXyYz"

// curlOption says which of our options a word is, and its value where the word has
// it. Options that do not matter give "".
func curlOption(word string) (option, value string, given bool) {
	if long, ok := strings.CutPrefix(word, "--"); ok {
		if slices.Contains(curlOptions, long) {
			return long, "", false
		}
		return "", "", false
	}
	if !strings.HasPrefix(word, "-") {
		return "", "", false
	}
	for i := 1; i < len(word); i++ { // several letters may share a dash: -sSd
		rest := word[i+1:]
		switch {
		case word[i] == 'H':
			return "header", rest, rest != ""
		case word[i] == 'd':
			return "data", rest, rest != ""
		case strings.IndexByte(curlWithValue, word[i]) >= 0:
			return "", "", false
		}
	}
	return "", "", false
}

// curlData gives the bytes that an option sends. From files, --data takes no line
// breaks and zero bytes along.
func curlData(option, value string) ([]byte, error) {
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile || option == "data-raw" {
		return []byte(value), nil
	}
	if path == "-" {
		return nil, notCaptured("the curl command reads its data from stdin, which is not here")
	}
	content, err := new(app).read("@" + path)
	if err != nil {
		return nil, err
	}
	if option == "data" || option == "data-ascii" {
		content = slices.DeleteFunc(content, func(b byte) bool { return b == '\r' || b == '\n' || b == 0 })
	}
	return content, nil
}
