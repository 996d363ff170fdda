package record

import (
	"encoding/json"

	"github.com/pealhq/peal"
)

// replayChoice is the column of what a replay is about.
type replayChoice struct {
	Statuses   []peal.DeliveryStatus `json:"statuses,omitempty"`
	EventTypes []string              `json:"event_types,omitempty"`
	Missed     bool                  `json:"missed,omitempty"`
}

// EncodeReplay gives the column of what a replay is about.
func EncodeReplay(p *peal.Replay) (string, error) {
	text, err := json.Marshal(replayChoice{p.Statuses, p.EventTypes, p.Missed})
	return string(text), err
}

// DecodeReplay fills in what a replay is about from the column.
func DecodeReplay(p *peal.Replay, text string) error {
	var choice replayChoice
	Decode([]byte(text), &choice)
	p.Statuses, p.EventTypes, p.Missed = choice.Statuses, choice.EventTypes, choice.Missed
	return nil
}
