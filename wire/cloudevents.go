package wire

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/pealhq/peal"
)

const cloudEventsType = "application/cloudevents+json"

// CloudEvents 1.0, HTTP protocol binding, structured content mode: the whole event
// in the body.
var cloudEvents = &Format{
	Name:      CloudEvents,
	Title:     "CloudEvents, structured mode",
	Secrets:   SecretNone,
	Handshake: true,
	Headers:   []string{"Content-Type"},
	Encode:    encodeCloudEvents,
	Verify:    verifyAuthorization,
	Decode:    decodeCloudEvents,
}

func encodeCloudEvents(in *Input) (http.Header, []byte, error) {
	e := in.Event
	body := make([]byte, 0, len(e.Data)+len(e.Type)+len(e.ID)+len(e.Subject)+len(e.Tenant)+224)
	body = append(body, `{"specversion":"1.0","id":`...)
	body = Plain.AppendString(body, eventID(e))
	body = append(body, `,"source":`...)
	body = Plain.AppendString(body, cloudEventSource(e))
	body = append(body, `,"type":`...)
	body = Plain.AppendString(body, e.Type)
	if subject := attributeText(e.Subject); subject != "" {
		body = append(body, `,"subject":`...)
		body = Plain.AppendString(body, subject)
	}
	body = append(body, `,"time":"`...)
	body = append(body, eventTime(in)...)
	body = append(body, `","datacontenttype":"application/json","data":`...)
	body = append(body, bytes.TrimSpace(e.Data)...)
	body = append(body, '}')
	return makeHeader("Content-Type", cloudEventsType), body, nil
}

// attributeText removes characters that an attribute must not contain: an event stored by an
// earlier version may have line breaks in its subject.
func attributeText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE {
			return -1
		}
		return r
	}, text)
}

// cloudEventSource returns a URI reference, as the specification requires, that with the ID
// identifies the event in a deployment.
func cloudEventSource(e *peal.Event) string {
	tenant := e.Tenant
	if tenant == "" {
		tenant = peal.DefaultTenant
	}
	return "/tenants/" + tenant
}

// decodeCloudEvents decodes both content modes.
func decodeCloudEvents(header http.Header, body []byte) (peal.Event, error) {
	contentType, _ := getHeader(header, "Content-Type")
	contentType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	contentType = strings.TrimSpace(contentType)
	if _, ok := getHeader(header, "ce-specversion"); ok && !strings.HasPrefix(contentType, "application/cloudevents") {
		return decodeBinary(header, contentType, body)
	}
	if contentType != cloudEventsType {
		return peal.Event{}, peal.Invalidf("Content-Type", "must be %s, or the request must have the headers ce-…; batches are not supported", cloudEventsType)
	}
	fields, err := decodeObject(body, "specversion", "id", "type", "subject", "time", "data", "data_base64")
	if err != nil {
		return peal.Event{}, err
	}
	if fields.text("specversion") != "1.0" {
		fields.fail("specversion", "must be 1.0")
	}
	event := peal.Event{
		ID:      fields.text("id"),
		Type:    fields.text("type"),
		Subject: fields.optional("subject"),
		Time:    fields.time("time"),
		Data:    fields.values["data"],
	}
	if fields.values["data_base64"] != nil {
		fields.fail("data_base64", "is not a JSON value; send the event's content as data")
	}
	if event.Data == nil {
		event.Data = []byte("null")
	}
	return event, fields.check(&event)
}

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

// escapeAttribute returns a text as the value of a header: space, quote, percent and all bytes that
// are not printable ASCII become %XX (HTTP protocol binding, section 3.1.3.2).
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
