package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/crashpoint"
)

// eventInput describes a published event for the document; [peal.ParseEvent] parses it.
type eventInput struct {
	Type    string          `json:"type" format:"event-type" doc:"What happened." example:"task.created"`
	Data    json.RawMessage `json:"data" doc:"The event's content: any JSON value, at most 64 levels deep, kept byte for byte."`
	ID      string          `json:"id,omitempty" format:"event-id" doc:"Your identifier of the event, unique in the tenant; makes publishing idempotent. The server chooses one if absent."`
	Subject string          `json:"subject,omitempty" maxLength:"1024" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"What the event is about; at most 1,024 bytes, without line breaks, control characters and noncharacters."`
	Time    string          `json:"time,omitempty" format:"date-time" doc:"When it happened (RFC 3339, up to nine fractional digits), kept as written; now if absent."`
}

type batchInput struct {
	Events []eventInput `json:"events" minItems:"1" maxItems:"1000" nullable:"false" doc:"The events."`
}

// publishedShape is the outcome for a published event.
type publishedShape struct {
	ID        string   `json:"id" doc:"The event's id."`
	Type      string   `json:"type"`
	Time      string   `json:"time" format:"date-time" doc:"When it happened, as written."`
	Duplicate bool     `json:"duplicate" doc:"Whether an event with this id existed before; then this is the earlier one."`
	Webhooks  []string `json:"webhooks" nullable:"false" doc:"The ids of the webhooks that get it."`
}

type publishedBatchShape struct {
	Data []publishedShape `json:"data" nullable:"false" doc:"The outcome for each event, in order."`
}

// publishEvent handles almost every request, so it avoids the reflection of the other handlers: one
// read, one pass over the JSON, one answer appended to a buffer.
func (a *API) publishEvent(c *call) error {
	if err := c.mayPublish(); err != nil {
		return err
	}
	body, err := c.body(int64(a.MaxData) + envelope)
	if err != nil {
		return err
	}
	turn, err := c.turnFor(body)
	if err != nil {
		return err
	}
	event, err := peal.ParseEvent(body)
	turn.Leave()
	if err != nil {
		return unparsed(err, body)
	}
	published, err := a.Engine.PublishOwned(c.context(), c.tenant, []peal.Event{event})
	if err != nil {
		return inEvent(err, "")
	}
	status := http.StatusAccepted
	if published[0].Duplicate {
		status = http.StatusOK
	}
	answer := make([]byte, 0, 192+len(published[0].Event.ID)+48*len(published[0].Webhooks))
	err = c.bytes(status, appendPublished(answer, &published[0]))
	if crashpoint.Armed && http.NewResponseController(c).Flush() == nil { // otherwise the answer is sent after this
		crashpoint.Reach(crashpoint.PublishAnswered)
	}
	return err
}

func (a *API) publishBatch(c *call) error {
	if err := c.mayPublish(); err != nil {
		return err
	}
	body, err := c.body(maxBatchBody)
	if err != nil {
		return err
	}
	turn, err := c.turnFor(body)
	if err != nil {
		return err
	}
	events, err := peal.ParseBatch(body)
	turn.Leave()
	if err != nil {
		return unparsed(err, body)
	}
	published, err := a.Engine.PublishOwned(c.context(), c.tenant, events)
	if err != nil {
		if len(events) == 1 {
			return inEvent(err, "events[0].")
		}
		return err
	}
	status := http.StatusOK
	answer := append(make([]byte, 0, 256*len(published)), `{"data":[`...)
	for i := range published {
		if i > 0 {
			answer = append(answer, ',')
		}
		answer = appendPublished(answer, &published[i])
		if !published[i].Duplicate {
			status = http.StatusAccepted
		}
	}
	return c.bytes(status, append(answer, "]}"...))
}

func (c *call) mayPublish() error {
	if c.tenant == peal.OperationsTenant {
		return refuse(forbidden, "the tenant %s is reserved for Peal's own events", peal.OperationsTenant)
	}
	return nil
}

// inEvent returns err with the fields of a single event at place. The engine and the store name the
// fields of the only event with or without "events[0].".
func inEvent(err error, place string) error {
	if several := peal.FaultsOf(err); len(several) > 1 {
		moved := make([]error, len(several))
		for i, one := range several {
			moved[i] = inEvent(one, place)
		}
		return peal.JoinFaults(moved...)
	}
	var e *peal.Error
	if !errors.As(err, &e) || e.Field == "" {
		return err
	}
	moved := *e
	moved.Field = place + strings.TrimPrefix(e.Field, "events[0].")
	return &moved
}

func appendPublished(b []byte, p *dispatch.Published) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, p.Event.ID)
	b = append(b, `,"type":`...)
	b = appendString(b, p.Event.Type)
	b = append(b, `,"time":`...)
	b = appendString(b, p.Event.Time.String())
	b = append(b, `,"duplicate":`...)
	if p.Duplicate {
		b = append(b, `true,"webhooks":[`...)
	} else {
		b = append(b, `false,"webhooks":[`...)
	}
	for i, id := range p.Webhooks {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = id.AppendText(b)
		b = append(b, '"')
	}
	return append(b, "]}"...)
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
