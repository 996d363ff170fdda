package api

import (
	"encoding/json"

	"github.com/pealhq/peal"
)

type testInput struct {
	Type given[string]          `json:"type,omitempty" format:"event-type" doc:"The type of the sample event; the first in the catalogue that the webhook wants when absent."`
	Data given[json.RawMessage] `json:"data,omitempty" doc:"The sample event's content; the type's example when absent."`
}

// testResultShape is what came of a test.
type testResultShape struct {
	DeliveryID peal.DeliveryID `json:"delivery_id"`
	Success    bool            `json:"success" doc:"Whether the endpoint accepted it."`
	Attempt    attemptShape    `json:"attempt"`
	Warnings   []string        `json:"warnings" nullable:"false" doc:"What will keep requests from arriving unless somebody does something."`
}

func (a *API) testWebhook(c *call) error {
	var in testInput
	if err := c.readOptional(&in); err != nil {
		return err
	}
	if in.Type.Given {
		if err := peal.ValidateType(in.Type.Value); err != nil {
			return err
		}
	}
	if len(in.Data.Value) > a.MaxData {
		return &peal.Error{Code: peal.TooLarge, Field: "data", Message: "is larger than the data of an event may be"}
	}
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	delivery, attempt, err := a.Engine.Test(c.context(), c.tenant, webhook.ID, in.Type.Value, in.Data.Value)
	if err != nil {
		return err
	}
	return c.json(200, testResultShape{DeliveryID: delivery.ID, Success: attempt.Succeeded(), Attempt: c.attemptOf(&attempt), Warnings: c.warnings(&webhook)})
}
