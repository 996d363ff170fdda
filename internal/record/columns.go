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

// quotaCounts maps each row quota to the counted rows: the table, and a condition in addition to
// the tenant. LIVE and NOW are placeholders for a store's value of an unset time and for the
// current time.
var quotaCounts = map[peal.Quota][2]string{
	peal.QuotaWebhooks:    {"webhooks", "NOT deleted"},
	peal.QuotaSources:     {"sources", ""},
	peal.QuotaKeys:        {"keys", "revoked LIVE"},
	peal.QuotaPortalLinks: {"portal_links", "used LIVE AND revoked LIVE AND expires > NOW"},
	peal.QuotaUsers:       {"users", ""},
	peal.QuotaSessions:    {"sessions", "revoked LIVE AND expires > NOW"},
}

// QuotaCount returns the table and the condition of the rows counted for a row quota.
func QuotaCount(quota peal.Quota) (table, condition string) {
	count := quotaCounts[quota]
	if count[1] != "" {
		count[1] = " AND " + count[1]
	}
	return count[0], count[1]
}
