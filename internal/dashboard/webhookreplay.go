package dashboard

import (
	"net/url"
	"time"

	"github.com/pealhq/peal"
)

type replayPage struct {
	Webhook peal.Webhook
	typed
	Problem string // prevents the replay, and belongs to no field
	Count   peal.ReplayCount
	Counted bool
	Replay  *peal.Replay
	Pill    pill
	Notes   []string // the times that are used
}

// replayForm asks what to send again.
func (d *Dashboard) replayForm(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	values := url.Values{"since": {c.now.Add(-24 * time.Hour).In(c.zone).Format(localTime)}, "failed": {"on"}}
	if !w.Health.FailingSince.IsZero() {
		values.Set("since", w.Health.FailingSince.In(c.zone).Format(localTime))
	}
	return c.page("webhook_replay", c.texts.get("replay.title", "name", w.Title()), &replayPage{Webhook: w, typed: typed{Values: values}})
}

// takenTimes holds the clock changes at the times of a form.
type takenTimes struct{ Since, Until clockChange }

// readReplay reads a replay from a form and adds its faults to the form.
func (c *call) readReplay(w *peal.Webhook, form *typed) (replay peal.Replay, taken takenTimes) {
	r := peal.Replay{Tenant: c.tenant, WebhookID: w.ID, Statuses: []peal.DeliveryStatus{}}
	zone := c.formZone()
	var err error
	if r.Since, taken.Since, err = readLocal(form.Value("since"), zone, false); err != nil {
		form.Faults["since"] = c.texts.get("replay.bad_time")
	}
	if until := form.Value("until"); until != "" {
		if r.Until, taken.Until, err = readLocal(until, zone, true); err != nil {
			form.Faults["until"] = c.texts.get("replay.bad_time")
		}
	}
	for _, choice := range []struct {
		name   string
		status peal.DeliveryStatus
	}{{"failed", peal.Failed}, {"canceled", peal.Canceled}, {"success", peal.Success}} {
		if form.Value(choice.name) != "" {
			r.Statuses = append(r.Statuses, choice.status)
		}
	}
	r.Missed = form.Value("missed") != ""
	checked := r
	if form.Faults["since"] != "" {
		checked.Since = c.now.Add(-time.Hour) // its fault is known; find the others
	}
	if checked.Until.IsZero() {
		checked.Until = c.now
	}
	form.refuse(c.texts, checked.Validate(), "")
	return r, taken
}

// takenNotes describes the times that are used if those of a form are ambiguous or do not exist.
func (t *texts) takenNotes(r *peal.Replay, taken takenTimes) (notes []string) {
	for _, one := range []struct {
		change clockChange
		at     time.Time
		key    string
	}{{taken.Since, r.Since, "since"}, {taken.Until, r.Until, "until"}} {
		switch one.change {
		case clockSkipped:
			notes = append(notes, t.get("replay.skipped", "time", iso(one.at)))
		case clockTwice:
			notes = append(notes, t.get("replay.twice_"+one.key, "time", iso(one.at)))
		}
	}
	return notes
}

// countReplay counts what would be sent, while the user chooses.
func (d *Dashboard) countReplay(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	form, err := c.readForm()
	if err != nil {
		return err
	}
	data := &replayPage{Webhook: w, typed: form, Counted: true}
	replay, taken := c.readReplay(&w, &data.typed)
	if len(data.Faults) == 0 {
		data.Notes = c.texts.takenNotes(&replay, taken)
		data.Count, err = d.Engine.CountReplay(c.ctx(), &replay)
		if err != nil && peal.CodeOf(err) != peal.Invalid && peal.CodeOf(err) != peal.Conflict {
			return err
		} else if err != nil {
			data.Problem = c.texts.messageOf(err)
		}
	}
	return c.part("replay_count", data)
}

// startReplay starts the job.
func (d *Dashboard) startReplay(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	form, err := c.readForm()
	if err != nil {
		return err
	}
	data := &replayPage{Webhook: w, typed: form}
	replay, _ := c.readReplay(&w, &data.typed)
	if len(data.Faults) == 0 {
		replay, err = d.Engine.Replay(c.ctx(), replay)
		if err == nil {
			if err := c.record("webhook.replay", w.ID.String(), replay.ID.String()); err != nil {
				return err
			}
			return c.redirect("/webhooks/" + w.ID.String() + "/replays/" + replay.ID.String())
		}
		if code := peal.CodeOf(err); code != peal.Invalid && code != peal.Conflict {
			return err
		}
		data.Problem = c.texts.messageOf(err)
	}
	return c.answer(422, "webhook_replay", c.texts.get("replay.title", "name", w.Title()), data)
}

// replayProgress shows the progress of a replay.
func (d *Dashboard) replayProgress(c *call) error {
	w, replay, err := c.findReplay()
	if err != nil {
		return err
	}
	class := map[peal.ReplayStatus]string{peal.ReplayRunning: "wait", peal.ReplayDone: "ok", peal.ReplayFailed: "bad", peal.ReplayCanceled: "held"}[replay.Status]
	data := &replayPage{Webhook: w, Replay: &replay, Pill: pill{c.texts.get("replay." + string(replay.Status)), class}}
	if c.isPart() {
		return c.part("replay_progress", data)
	}
	return c.page("webhook_replay", c.texts.get("replay.title", "name", w.Title()), data)
}

// cancelReplay cancels a running replay.
func (d *Dashboard) cancelReplay(c *call) error {
	_, replay, err := c.findReplay()
	if err != nil {
		return err
	}
	if _, err := d.Engine.CancelReplay(c.ctx(), c.tenant, replay.ID); err != nil && peal.CodeOf(err) != peal.Conflict {
		return err
	}
	return c.redirect("/webhooks/" + replay.WebhookID.String() + "/replays/" + replay.ID.String())
}
