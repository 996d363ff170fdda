// Package capture reads captured requests: the text of an HTTP request, a curl command, or JSON.
package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// Request is a captured request.
type Request struct {
	Header http.Header
	Body   []byte
	Notes  []string // for the reader: differences from the request that was sent
}

// maxFile bounds the files that a curl command sends.
const maxFile = 16 << 20

// Parse reads a captured request. The data of a curl command may be in files. Errors are of the code
// Invalid, but for those of the files.
func Parse(text []byte) (Request, error) {
	start := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("{")):
		return parseJSON(start)
	case isCurl(start):
		return parseCurl(string(start))
	}
	return parseHTTP(start)
}

// parseJSON reads {"headers": …, "body": …}; other members do not matter.
func parseJSON(text []byte) (Request, error) {
	var capture struct {
		Headers    json.RawMessage `json:"headers"`
		Body       *string         `json:"body"`
		BodyBase64 []byte          `json:"body_base64"`
	}
	if err := json.Unmarshal(text, &capture); err != nil {
		return Request{}, notCaptured("it starts as JSON and cannot be read: %v", err)
	}
	c := Request{Header: http.Header{}, Body: capture.BodyBase64}
	if capture.Body != nil {
		c.Body = []byte(*capture.Body)
	}
	if c.Body == nil {
		return Request{}, notCaptured(`its JSON has no "body", a string, and no "body_base64"`)
	}
	var pairs [][2]string
	var named map[string]string
	switch {
	case json.Unmarshal(capture.Headers, &pairs) == nil:
		for _, pair := range pairs {
			c.Header.Add(pair[0], pair[1])
		}
	case json.Unmarshal(capture.Headers, &named) == nil:
		for name, value := range named {
			c.Header.Set(name, value)
		}
	default:
		return Request{}, notCaptured(`its JSON has no "headers", an object or [["Name", "value"], …]`)
	}
	return c, nil
}

// parseHTTP reads the text of a request. The request line may be missing.
func parseHTTP(text []byte) (Request, error) {
	head, body, err := cutHead(text)
	if err != nil {
		return Request{}, err
	}
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	if words := bytes.Fields(first); len(words) > 0 && !bytes.HasSuffix(words[0], []byte(":")) {
		if len(words) != 3 || !bytes.HasPrefix(words[2], []byte("HTTP/")) {
			return Request{}, notCaptured("it starts with neither a request line (POST /hook HTTP/1.1) nor a header, curl or {")
		}
		head = rest
	}
	header, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n")))).ReadMIMEHeader()
	if err != nil {
		return Request{}, notCaptured("its headers cannot be read: %v", err)
	}
	c := Request{Header: http.Header(header), Body: body}
	if slices.ContainsFunc(header["Transfer-Encoding"], func(v string) bool { return strings.EqualFold(v, "chunked") }) {
		if c.Body, err = io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))); err != nil {
			return Request{}, notCaptured("its chunks cannot be read: %v", err)
		}
		return c, nil
	}
	c.measure()
	return c, nil
}

// cutHead splits a text at the first empty line into head and body.
func cutHead(text []byte) (head, body []byte, err error) {
	at := 0
	for line := range bytes.Lines(text) {
		if len(bytes.TrimRight(line, "\r\n")) == 0 && bytes.HasSuffix(line, []byte("\n")) {
			return text[:at], text[at+len(line):], nil
		}
		at += len(line)
	}
	return nil, nil, notCaptured("no empty line ends its headers, so there is no body")
}

// measure compares the body with the length in the header. It removes a line break that an editor
// has put at the end, and notes every other difference.
func (c *Request) measure() {
	said, err := strconv.Atoi(c.Header.Get("Content-Length"))
	if err != nil || said < 0 || said == len(c.Body) {
		return
	}
	if said < len(c.Body) && len(bytes.TrimRight(c.Body[said:], "\r\n")) == 0 {
		c.Body = c.Body[:said]
		return
	}
	c.Notes = append(c.Notes, fmt.Sprintf("the body has %d bytes, and Content-Length says %d: it was not kept byte for byte", len(c.Body), said))
}

func notCaptured(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if !utf8.ValidString(message) {
		message = strings.ToValidUTF8(message, "?")
	}
	return &peal.Error{Code: peal.Invalid, Message: "no request can be read from it: " + message}
}
