package record

import (
	"encoding/json"

	"github.com/pealhq/peal"
)

// storedFilterError is an element of the column filter_errors of an event.
type storedFilterError struct {
	Webhook peal.WebhookID `json:"webhook"`
	Message string         `json:"message"`
}

// EncodeFilterErrors gives the value of the column of an event's filter errors.
func EncodeFilterErrors(list []peal.FilterError) (string, error) {
	stored := make([]storedFilterError, len(list))
	for i, e := range list {
		stored[i] = storedFilterError{e.WebhookID, e.Message}
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

// DecodeFilterErrors reads the column.
func DecodeFilterErrors(text string) ([]peal.FilterError, error) {
	var stored []storedFilterError
	Decode([]byte(text), &stored)
	list := make([]peal.FilterError, 0, len(stored))
	for _, e := range stored {
		list = append(list, peal.FilterError{WebhookID: e.Webhook, Message: e.Message})
	}
	return list, nil
}
