package wire

import (
	"bytes"
	"net/http"
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

// attributeText leaves out what no attribute may hold: an event that was stored by an earlier
// version may have line breaks in its subject.
func attributeText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE {
			return -1
		}
		return r
	}, text)
}

// cloudEventSource is a URI reference (the specification asks for one) that, with
// the id, names the event among all of a deployment.
func cloudEventSource(e *peal.Event) string {
	tenant := e.Tenant
	if tenant == "" {
		tenant = peal.DefaultTenant
	}
	return "/tenants/" + tenant
}

// decodeCloudEvents reads both content modes, whichever the sender chose.
func decodeCloudEvents(header http.Header, body []byte) (peal.Event, error) {
	contentType, _ := getHeader(header, "Content-Type")
	contentType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	contentType = strings.TrimSpace(contentType)
	if _, ok := getHeader(header, "ce-specversion"); ok && !strings.HasPrefix(contentType, "application/cloudevents") {
		return decodeBinary(header, contentType, body)
	}
	if contentType != cloudEventsType {
		return peal.Event{}, peal.Invalidf("Content-Type", "must be %s, or the headers ce-… must be there; batches are not read", cloudEventsType)
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
		fields.fail("data_base64", "holds bytes that are no JSON value: send the event's content as data")
	}
	if event.Data == nil {
		event.Data = []byte("null")
	}
	return event, fields.check(&event)
}
