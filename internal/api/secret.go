package api

import (
	"time"

	"github.com/pealhq/peal"
	managing "github.com/pealhq/peal/internal/manage"
)

const defaultOverlap = 24 * time.Hour

type secretShape struct {
	Secret *string `json:"secret" doc:"The secret that signs; null when there is none."`
}

type rotateInput struct {
	OverlapSeconds given[int]    `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the earlier secret signs too; a day (86400) when absent."`
	Secret         given[string] `json:"secret,omitempty" minLength:"1" maxLength:"512" doc:"A secret of your own; one is made when absent."`
}

type rotationShape struct {
	Secret            string  `json:"secret" doc:"The new secret."`
	PreviousExpiresAt *string `json:"previous_expires_at" format:"date-time" doc:"Until when the earlier secret signs too; null when it has stopped or there was none."`
}

func (a *API) getSecret(c *call) error {
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	_, secret, err := a.webhooks.RevealSecret(c.context(), c.actor(), c.tenant, id)
	if err != nil {
		return ofWebhook(err)
	}
	return c.json(200, secretShape{textOrNil(secret)})
}

func (a *API) rotateSecret(c *call) error {
	rotation, err := c.readRotation()
	if err != nil {
		return err
	}
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	_, secret, previous, err := a.webhooks.RotateSecret(c.context(), c.actor(), c.tenant, id, rotation, c.ifMatch)
	if err != nil {
		return ofWebhook(err)
	}
	return c.json(200, rotationShape{secret, timeOrNil(previous)})
}

// readRotation reads what a caller asks for.
func (c *call) readRotation() (managing.Rotation, error) {
	var in rotateInput
	if err := c.readOptional(&in); err != nil {
		return managing.Rotation{}, err
	}
	if in.Secret.Given && in.Secret.Value == "" {
		return managing.Rotation{}, faults{{Location: "body.secret", Message: "is empty: leave it out to have one made"}}
	}
	overlap := in.OverlapSeconds.or(int(defaultOverlap / time.Second))
	const most = int(peal.MaxSecretOverlap / time.Second) // beyond it a duration might overflow
	return managing.Rotation{Secret: in.Secret.Value, Overlap: time.Duration(max(-1, min(overlap, most+1))) * time.Second}, nil
}
