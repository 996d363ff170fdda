package api

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

const defaultOverlap = 24 * time.Hour

type secretShape struct {
	Secret *string `json:"secret" doc:"The secret that signs; null when there is none."`
}

type rotateInput struct {
	OverlapSeconds given[int]    `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the earlier secret signs too; a day (86400) when absent."`
	Secret         given[string] `json:"secret,omitempty" maxLength:"512" doc:"A secret of your own; one is made when absent."`
}

type rotatedShape struct {
	Secret            string  `json:"secret" doc:"The new secret."`
	PreviousExpiresAt *string `json:"previous_expires_at" format:"date-time" doc:"Until when the earlier secret signs too; null when it has stopped or there was none."`
}

func (a *API) getSecret(c *call) error {
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	return c.json(200, secretShape{currentSecret(&webhook, now())})
}

func (a *API) rotateSecret(c *call) error {
	var in rotateInput
	overlap, err := c.readRotation(&in)
	if err != nil {
		return err
	}
	var secret string
	var previous time.Time
	_, err = a.changeWebhook(c, func(w *peal.Webhook) error {
		at := now()
		var err error
		if secret, err = a.newSecret(w, &in); err != nil {
			return err
		}
		w.Secrets, previous = peal.RotateSecrets(w.Secrets, secret, at, overlap)
		return nil
	})
	if err != nil {
		return err
	}
	a.refresh(c)
	return c.json(200, rotatedShape{secret, timeOrNil(previous)})
}

// readRotation reads what a caller asks for, and how long the earlier secrets stay.
func (c *call) readRotation(in *rotateInput) (overlap time.Duration, err error) {
	if err := c.readOptional(in); err != nil {
		return 0, err
	}
	overlap = time.Duration(in.OverlapSeconds.or(int(defaultOverlap/time.Second))) * time.Second
	if overlap < 0 || overlap > peal.MaxSecretOverlap {
		return 0, faults{{Location: "body.overlap_seconds", Message: "must be from 0 to 2592000 (30 days)"}}
	}
	return overlap, nil
}

func (a *API) newSecret(w *peal.Webhook, in *rotateInput) (string, error) {
	format, ok := a.Engine.Format(w.Format)
	if !ok || format.Secrets == wire.SecretNone {
		return "", refuse(conflict, "the format %s does not sign, so there is no secret to rotate", w.Format)
	}
	if !in.Secret.Given {
		return format.FreshSecret(), nil
	}
	if err := in.check(w.Secrets); err != nil {
		return "", err
	}
	return in.Secret.Value, format.CheckSecret(in.Secret.Value)
}

// check checks a secret that the caller chose against those that there are.
func (in *rotateInput) check(current []peal.Secret) error {
	switch secret := in.Secret.Value; {
	case secret == "":
		return faults{{Location: "body.secret", Message: "is empty: leave it out to have one made"}}
	case len(current) > 0 && current[0].Value == secret:
		return faults{{Location: "body.secret", Message: "is the secret that there is already"}}
	}
	return nil
}
