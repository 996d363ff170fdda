package wire

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// DejaCode's webhooks: Python's JSON, with the webhook's extra payload merged in.
var dejaCode = &Format{
	Name:         DejaCode,
	Title:        "DejaCode",
	Secrets:      SecretNone,
	Headers:      []string{"Content-Type"},
	ExtraPayload: true,
	Encode:       encodeDejacode,
	Verify:       verifyAuthorization,
	Decode:       decodeDejacode,
}

// The events for which DejaCode does not send {"hook", "data"}.
const (
	dejacodeUserChanged     = "user.added_or_updated"     // data's fields are next to hook
	dejacodeUserLocked      = "user.locked_out"           // data is the body
	dejacodeVulnerabilities = "vulnerability.data_update" // data is the body
	dejacodeUnknown         = "dejacode.unknown"          // result of Decode if the body has no type
)

func encodeDejacode(in *Input) (http.Header, []byte, error) {
	e, extra := in.Event, in.Webhook.ExtraPayload
	header := makeHeader("Content-Type", "application/json")
	body := make([]byte, 0, len(e.Data)+len(e.Data)/4+len(in.Webhook.URL)+len(extra)+128)
	hasExtra := false
	for range members(extra) {
		hasExtra = true
		break
	}
	bare := e.Type == dejacodeUserLocked || e.Type == dejacodeVulnerabilities
	spread := e.Type == dejacodeUserChanged
	switch {
	case bare && !hasExtra && !isObject(e.Data):
		return header, Python.Append(body, e.Data), nil
	case (bare || spread) && !isObject(e.Data):
		return nil, nil, peal.Fault("data", message.DejacodeObject, e.Type)
	case !bare && !spread && !hasExtra:
		body = append(body, `{"hook": `...)
		body = appendHook(body, in)
		body = append(body, `, "data": `...)
		body = Python.Append(body, e.Data)
		return header, append(body, '}'), nil
	}
	var m merged
	if !bare {
		m.set([]byte(`"hook"`), appendHook(nil, in))
	}
	if bare || spread {
		m.setAll(e.Data)
	} else {
		m.set([]byte(`"data"`), e.Data)
	}
	m.setAll(extra)
	return header, m.append(body, Python), nil
}

func appendHook(dst []byte, in *Input) []byte {
	id := in.Webhook.UUID
	if id == "" {
		id = in.Webhook.ID.String()
	}
	dst = append(dst, `{"uuid": `...)
	dst = Python.AppendString(dst, id)
	dst = append(dst, `, "event": `...)
	dst = Python.AppendString(dst, in.Event.Type)
	dst = append(dst, `, "target": `...)
	dst = Python.AppendString(dst, in.Webhook.URL)
	return append(dst, '}')
}

// decodeDejacode cannot distinguish members of the extra payload from those of the event in the
// same object, and cannot recover the type of an event if the extra payload replaced hook.
func decodeDejacode(_ http.Header, body []byte) (peal.Event, error) {
	fields, err := decodeObject(body, "hook", "data", "text")
	if err != nil {
		return peal.Event{}, err
	}
	event := peal.Event{Type: dejacodeUnknown}
	if hook := fields.values["hook"]; isObject(hook) {
		inner, err := decodeObject(hook, "event")
		if err != nil {
			return peal.Event{}, err
		}
		if event.Type = inner.text("event"); inner.err != nil {
			return peal.Event{}, inner.err
		}
	} else if text, _ := unquote(fields.values["text"]); hook == nil && strings.Contains(text, "vulnerabilities") {
		event.Type = dejacodeVulnerabilities
	} else if hook == nil && strings.Contains(text, "Login attempt") {
		event.Type = dejacodeUserLocked
	}
	event.Data = fields.values["data"]
	if event.Data == nil || event.Type == dejacodeUserChanged {
		event.Data = withoutMember(body, "hook")
	}
	return event, fields.check(&event)
}

// withoutMember returns a copy of an object without the named member.
func withoutMember(object []byte, name string) json.RawMessage {
	out := append(make([]byte, 0, len(object)), '{')
	for quoted, value := range members(object) {
		if text, _ := unquote(quoted); text == name {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted...), ':'), value...)
	}
	return append(out, '}')
}
