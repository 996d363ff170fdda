package record

import (
	"encoding/json"

	"github.com/pealhq/peal"
)

// replayChoice is the JSON in the column with the selection of a replay.
type replayChoice struct {
	Statuses   []peal.DeliveryStatus `json:"statuses,omitempty"`
	EventTypes []string              `json:"event_types,omitempty"`
	Missed     bool                  `json:"missed,omitempty"`
}

// EncodeReplay returns the column with the selection of a replay.
func EncodeReplay(p *peal.Replay) (string, error) {
	text, err := json.Marshal(replayChoice{p.Statuses, p.EventTypes, p.Missed})
	return string(text), err
}

// DecodeReplay sets the selection of a replay from its column.
func DecodeReplay(p *peal.Replay, text string) error {
	var choice replayChoice
	Decode([]byte(text), &choice)
	p.Statuses, p.EventTypes, p.Missed = choice.Statuses, choice.EventTypes, choice.Missed
	return nil
}

// storedFilterError is an element of the column filter_errors of an event.
type storedFilterError struct {
	Webhook peal.WebhookID `json:"webhook"`
	Message string         `json:"message"`
}

// EncodeFilterErrors returns the value of the column filter_errors.
func EncodeFilterErrors(list []peal.FilterError) (string, error) {
	stored := make([]storedFilterError, len(list))
	for i, e := range list {
		stored[i] = storedFilterError{e.WebhookID, e.Message}
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

// DecodeFilterErrors decodes the column filter_errors.
func DecodeFilterErrors(text string) ([]peal.FilterError, error) {
	var stored []storedFilterError
	Decode([]byte(text), &stored)
	list := make([]peal.FilterError, 0, len(stored))
	for _, e := range stored {
		list = append(list, peal.FilterError{WebhookID: e.Webhook, Message: e.Message})
	}
	return list, nil
}
