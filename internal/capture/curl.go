package capture

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

func isCurl(text []byte) bool {
	word, _, _ := bytes.Cut(text, []byte(" "))
	return string(bytes.TrimSpace(word)) == "curl"
}

// parseCurl reads the headers and the body of a curl command as the shell and curl do.
func parseCurl(command string) (Request, error) {
	line, err := words(command)
	if err != nil {
		return Request{}, err
	}
	c := Request{Header: http.Header{}}
	var data [][]byte
	for i := 1; i < len(line); i++ {
		option, value, given := curlOption(line[i])
		if option == "" {
			continue
		}
		if !given {
			if i++; i == len(line) {
				return Request{}, notCaptured("curl's %s has no value", option)
			}
			value = line[i]
		}
		if option == "header" {
			if name, text, ok := strings.Cut(value, ":"); ok {
				c.Header.Add(strings.TrimSpace(name), strings.TrimSpace(text))
			}
			continue
		}
		part, err := curlData(option, value)
		if err != nil {
			return Request{}, err
		}
		data = append(data, part)
	}
	if data == nil {
		return Request{}, notCaptured("the curl command sends no data, as with --data-raw")
	}
	c.Body = bytes.Join(data, []byte("&"))
	c.measure()
	return c, nil
}

// The options of curl that make headers and body.
var curlOptions = []string{"header", "data", "data-ascii", "data-raw", "data-binary", "json"}

// curlWithValue are curl's other short options that take a value.
const curlWithValue = "AbcCDeEFhKmoPQrtTuUwxXyYz"

// curlOption returns the option that a word is, and its value if the word has it; "" for options
// that do not matter.
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

// curlData returns the bytes that an option sends. --data leaves out the line breaks and zero bytes of
// files.
func curlData(option, value string) ([]byte, error) {
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile || option == "data-raw" {
		return []byte(value), nil
	}
	if path == "-" {
		return nil, notCaptured("the curl command reads its data from stdin, which is not here")
	}
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if option == "data" || option == "data-ascii" {
		content = slices.DeleteFunc(content, func(b byte) bool { return b == '\r' || b == '\n' || b == 0 })
	}
	return content, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = notCaptured("%s holds more than %d bytes", path, maxFile)
	}
	return content, err
}
