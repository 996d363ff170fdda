package wire

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/pealhq/peal"
)

// CloudEvents 1.0, HTTP protocol binding, binary content mode: the data is the
// body, the attributes are headers.
var cloudEventsBinary = &Format{
	Name:      CloudEventsBinary,
	Title:     "CloudEvents, binary mode",
	Secrets:   SecretNone,
	Handshake: true,
	Headers:   []string{"Content-Type", "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"},
	Encode:    encodeCloudEventsBinary,
	Verify:    verifyAuthorization,
	Decode:    decodeCloudEvents,
}

func encodeCloudEventsBinary(in *Input) (http.Header, []byte, error) {
	e := in.Event
	header := makeHeader(
		"Content-Type", "application/json",
		"ce-specversion", "1.0",
		"ce-id", escapeAttribute(eventID(e)),
		"ce-source", escapeAttribute(cloudEventSource(e)),
		"ce-type", e.Type,
		"ce-time", eventTime(in),
	)
	if subject := attributeText(e.Subject); subject != "" {
		header["ce-subject"] = []string{escapeAttribute(subject)}
	}
	return header, bytes.TrimSpace(e.Data), nil
}

// escapeAttribute writes a text as a header's value: space, quote, percent and all
// that is not printable ASCII as %XX (HTTP protocol binding, section 3.1.3.2).
func escapeAttribute(text string) string {
	plain := true
	for i := range len(text) {
		plain = plain && isAttributeByte(text[i])
	}
	if plain {
		return text
	}
	var escaped strings.Builder
	for _, c := range []byte(strings.ToValidUTF8(text, "\ufffd")) {
		if isAttributeByte(c) {
			escaped.WriteByte(c)
			continue
		}
		escaped.Write([]byte{'%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]})
	}
	return escaped.String()
}

func isAttributeByte(c byte) bool { return c > 0x20 && c < 0x7f && c != '"' && c != '%' }

func decodeBinary(header http.Header, contentType string, body []byte) (peal.Event, error) {
	fields := &fields{}
	attribute := func(name string, required bool) string {
		value, ok := getHeader(header, name)
		if !ok && required {
			fields.fail(name, "is missing")
		}
		text, err := url.PathUnescape(value)
		if err != nil {
			fields.fail(name, "holds a % without two hexadecimal digits")
		}
		return text
	}
	if attribute("ce-specversion", true) != "1.0" {
		fields.fail("ce-specversion", "must be 1.0")
	}
	event := peal.Event{
		ID:      attribute("ce-id", true),
		Type:    attribute("ce-type", true),
		Subject: attribute("ce-subject", false),
		Time:    fields.parseTime("ce-time", attribute("ce-time", false)),
		Data:    bytes.TrimSpace(body),
	}
	isJSON := contentType == "application/json" || contentType == "text/json" || strings.HasSuffix(contentType, "+json")
	switch {
	case len(body) == 0:
		event.Data = []byte("null")
	case !isJSON:
		fields.fail("Content-Type", "must be application/json: an event's content is JSON")
	}
	return event, fields.check(&event)
}
