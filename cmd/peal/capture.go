package main

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

// captured is a request that somebody has kept.
type captured struct {
	header http.Header
	body   []byte
	notes  []string // what its reader should know
}

// parseCapture reads a request in any of the ways to keep one.
func parseCapture(text []byte) (captured, error) {
	start := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("{")):
		return parseJSONCapture(start)
	case isCurl(start):
		return parseCurl(string(start))
	}
	return parseHTTP(start)
}

// parseJSONCapture reads {"headers": …, "body": …}; other members may stand there too.
func parseJSONCapture(text []byte) (captured, error) {
	var capture struct {
		Headers    json.RawMessage `json:"headers"`
		Body       *string         `json:"body"`
		BodyBase64 []byte          `json:"body_base64"`
	}
	if err := json.Unmarshal(text, &capture); err != nil {
		return captured{}, notCaptured("it begins as JSON and cannot be read: %v", err)
	}
	c := captured{header: http.Header{}, body: capture.BodyBase64}
	if capture.Body != nil {
		c.body = []byte(*capture.Body)
	}
	if c.body == nil {
		return captured{}, notCaptured(`its JSON has no "body", a string, and no "body_base64"`)
	}
	var pairs [][2]string
	var named map[string]string
	switch {
	case json.Unmarshal(capture.Headers, &pairs) == nil:
		for _, pair := range pairs {
			c.header.Add(pair[0], pair[1])
		}
	case json.Unmarshal(capture.Headers, &named) == nil:
		for name, value := range named {
			c.header.Set(name, value)
		}
	default:
		return captured{}, notCaptured(`its JSON has no "headers", an object or [["Name", "value"], …]`)
	}
	return c, nil
}

// parseHTTP reads the text of a request. The request line may be missing.
func parseHTTP(text []byte) (captured, error) {
	head, body, err := cutHead(text)
	if err != nil {
		return captured{}, err
	}
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	if words := bytes.Fields(first); len(words) > 0 && !bytes.HasSuffix(words[0], []byte(":")) {
		if len(words) != 3 || !bytes.HasPrefix(words[2], []byte("HTTP/")) {
			return captured{}, notCaptured("it begins with neither a request line (POST /hook HTTP/1.1) nor a header, curl or {")
		}
		head = rest
	}
	header, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n")))).ReadMIMEHeader()
	if err != nil {
		return captured{}, notCaptured("its headers cannot be read: %v", err)
	}
	c := captured{header: http.Header(header), body: body}
	if slices.ContainsFunc(header["Transfer-Encoding"], func(v string) bool { return strings.EqualFold(v, "chunked") }) {
		if c.body, err = io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))); err != nil {
			return captured{}, notCaptured("its chunks cannot be read: %v", err)
		}
		return c, nil
	}
	c.measure()
	return c, nil
}

// cutHead parts head and body at the first empty line.
func cutHead(text []byte) (head, body []byte, err error) {
	for at := 0; at < len(text); {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			break
		}
		if len(bytes.TrimSuffix(text[at:at+end], []byte("\r"))) == 0 {
			return text[:at], text[at+end+1:], nil
		}
		at += end + 1
	}
	return nil, nil, notCaptured("no empty line ends its headers, so there is no body")
}

// measure compares the body with the length that the request tells. A line break
// that an editor has put at the end goes; everything else is only told.
func (c *captured) measure() {
	said, err := strconv.Atoi(c.header.Get("Content-Length"))
	if err != nil || said < 0 || said == len(c.body) {
		return
	}
	if said < len(c.body) && len(bytes.TrimRight(c.body[said:], "\r\n")) == 0 {
		c.body = c.body[:said]
		return
	}
	c.notes = append(c.notes, fmt.Sprintf("the body has %d bytes, and Content-Length says %d: it was not kept byte for byte", len(c.body), said))
}

func notCaptured(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if !utf8.ValidString(message) {
		message = strings.ToValidUTF8(message, "?")
	}
	return &peal.Error{Code: peal.Invalid, Message: "no request can be read from it: " + message}
}
