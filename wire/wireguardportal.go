package wire

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// WireGuard Portal's webhook: no signature, but an Authorization header chosen by its operator.
var wireGuardPortal = &Format{
	Name:    WireGuardPortal,
	Title:   "WireGuard Portal",
	Secrets: SecretNone,
	Headers: []string{"Content-Type"},
	Encode:  encodeWireguardPortal,
	Verify:  verifyAuthorization,
	Decode:  decodeWireguardPortal,
}

// An entity's name has no dot, so the first one of a type ends it.
func encodeWireguardPortal(in *Input) (http.Header, []byte, error) {
	e := in.Event
	entity, event, ok := strings.Cut(e.Type, ".")
	if !ok {
		return nil, nil, peal.Fault("type", message.WireguardType, strconv.Quote(e.Type))
	}
	body := make([]byte, 0, len(e.Data)+len(e.Data)/8+len(e.Type)+len(e.Subject)+96)
	body = append(body, `{"event":`...)
	body = GoEscaped.AppendString(body, event)
	body = append(body, `,"entity":`...)
	body = GoEscaped.AppendString(body, entity)
	body = append(body, `,"identifier":`...)
	body = GoEscaped.AppendString(body, e.Subject)
	body = append(body, `,"payload":`...)
	body = GoEscaped.Append(body, e.Data)
	body = append(body, '}')
	return makeHeader("Content-Type", "application/json"), body, nil
}

func decodeWireguardPortal(_ http.Header, body []byte) (peal.Event, error) {
	fields, err := decodeObject(body, "event", "entity", "identifier", "payload")
	if err != nil {
		return peal.Event{}, err
	}
	event := peal.Event{
		Type:    fields.text("entity") + "." + fields.text("event"),
		Subject: fields.optional("identifier"),
		Data:    fields.raw("payload"),
	}
	return event, fields.check(&event)
}
