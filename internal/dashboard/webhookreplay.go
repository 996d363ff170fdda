package dashboard

import (
	"net/url"
	"time"

	"github.com/pealhq/peal"
)

type replayPage struct {
	Webhook peal.Webhook
	Values  url.Values
	Fault   string
	Count   peal.ReplayCount
	Counted bool
	Replay  *peal.Replay
	Pill    pill
	Notes   []string // the times that are taken
}

// Value is what a field holds.
func (p *replayPage) Value(name string) string { return p.Values.Get(name) }

// replayForm asks what is to be sent again.
func (d *Dashboard) replayForm(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	values := url.Values{"since": {c.now.Add(-24 * time.Hour).In(c.zone).Format(localTime)}, "failed": {"on"}}
	if !w.Health.FailingSince.IsZero() {
		values.Set("since", w.Health.FailingSince.In(c.zone).Format(localTime))
	}
	return c.page("webhook_replay", c.texts.get("replay.title", "name", w.Title()), &replayPage{Webhook: w, Values: values})
}

// takenTimes is what the clocks made of the times of a form.
type takenTimes struct{ Since, Until clockChange }

// readReplay reads what somebody chose.
func (c *call) readReplay(w *peal.Webhook) (replay peal.Replay, taken takenTimes, fault string) {
	r := peal.Replay{Tenant: c.tenant, WebhookID: w.ID, Statuses: []peal.DeliveryStatus{}}
	v, zone := c.r.PostForm, c.formZone()
	var err error
	if r.Since, taken.Since, err = readLocal(v.Get("since"), zone, false); err != nil {
		return r, taken, c.texts.get("replay.bad_time")
	}
	if until := v.Get("until"); until != "" {
		if r.Until, taken.Until, err = readLocal(until, zone, true); err != nil {
			return r, taken, c.texts.get("replay.bad_time")
		}
	}
	for name, status := range map[string]peal.DeliveryStatus{"failed": peal.Failed, "canceled": peal.Canceled, "success": peal.Success} {
		if v.Get(name) != "" {
			r.Statuses = append(r.Statuses, status)
		}
	}
	r.Missed = v.Get("missed") != ""
	return r, taken, ""
}

// takenNotes says which times are taken, where a form's are not exactly one.
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

// countReplay counts what would be sent, while somebody chooses.
func (d *Dashboard) countReplay(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	data := &replayPage{Webhook: w, Values: c.r.PostForm, Counted: true}
	replay, taken, fault := c.readReplay(&w)
	if fault == "" {
		data.Notes = c.texts.takenNotes(&replay, taken)
		data.Count, err = d.Engine.CountReplay(c.ctx(), &replay)
		if err != nil && peal.CodeOf(err) != peal.Invalid && peal.CodeOf(err) != peal.Conflict {
			return err
		} else if err != nil {
			fault = c.texts.messageOf(err)
		}
	}
	data.Fault = fault
	return c.part("replay_count", data)
}

// startReplay begins the job.
func (d *Dashboard) startReplay(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	replay, _, fault := c.readReplay(&w)
	if fault == "" {
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
		fault = c.texts.messageOf(err)
	}
	return c.answer(422, "webhook_replay", c.texts.get("replay.title", "name", w.Title()), &replayPage{Webhook: w, Values: c.r.PostForm, Fault: fault})
}

// replayProgress shows how far a replay has come.
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

// cancelReplay ends a replay that runs.
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
