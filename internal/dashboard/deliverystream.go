package dashboard

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/pealhq/peal"
)

// A stream looks for what is new every streamEvery and ends after streamLife, before
// the server's own limit of an answer does; the browser then begins another.
const (
	streamEvery = time.Second
	streamLife  = 2 * time.Minute
	streamBeat  = 15 * time.Second // the longest silence
)

// streamDeliveries sends a row for each delivery of the filter that is new or has another
// status, as server-sent events.
func (d *Dashboard) streamDeliveries(c *call) error {
	leave, err := d.Engine.Stream(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	defer leave()
	filter := c.readFilter(c.r.URL.Query())
	filter.before = ""
	after, _ := peal.ParseDeliveryID(c.r.URL.Query().Get("after"))
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("X-Accel-Buffering", "no") // or a proxy gathers what should show at once
	answer := http.NewResponseController(c.w)
	if _, err := c.w.Write([]byte(": begun\n\n")); err != nil || answer.Flush() != nil {
		return nil
	}
	seen := map[peal.DeliveryID]peal.DeliveryStatus{}
	c.turn.Patient()
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	beat := time.NewTicker(d.beat)
	defer beat.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	for first := true; ; first = false {
		err := c.turn.Enter(c.ctx())
		var text []byte
		if err == nil {
			text, err = c.news(&filter, after, seen, first)
		}
		c.turn.Leave()
		if c.ctx().Err() != nil {
			return nil
		}
		if err != nil {
			d.log.Warn("a live list ends: deliveries could not be read", "error", err)
			return nil
		}
		if len(text) > 0 {
			if c.again() != nil {
				return nil // somebody has taken the right away meanwhile
			}
			if _, err := c.w.Write(text); err != nil || answer.Flush() != nil {
				return nil
			}
		}
		select {
		case <-tick.C:
			c.now = d.Now().UTC()
		case <-beat.C:
			if _, err := c.w.Write([]byte(": still here\n\n")); err != nil || answer.Flush() != nil {
				return nil
			}
		case <-end.C:
			return nil
		case <-c.ctx().Done():
			return nil
		case <-d.stop:
			return nil
		}
	}
}

// news gives the events of what is not in seen as it stands now, oldest first.
func (c *call) news(filter *deliveryFilter, after peal.DeliveryID, seen map[peal.DeliveryID]peal.DeliveryStatus, first bool) ([]byte, error) {
	found, _, err := c.findDeliveries(filter, pageRows)
	if err != nil {
		return nil, err
	}
	if len(seen) > 100*pageRows {
		clear(seen)
		first = true
	}
	fresh := found[:0]
	for i := range found {
		status, known := seen[found[i].ID]
		seen[found[i].ID] = found[i].Status
		if known && status == found[i].Status || first && found[i].ID.Compare(after) <= 0 {
			continue
		}
		fresh = append(fresh, found[i])
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	parts, err := c.d.pages.set(c.texts.language, "")
	if err != nil {
		return nil, err
	}
	rows, err := c.deliveryRows(fresh)
	if err != nil {
		return nil, err
	}
	var events bytes.Buffer
	for i := len(fresh) - 1; i >= 0; i-- {
		var row bytes.Buffer
		if err := parts.ExecuteTemplate(&row, "delivery_row", rows[i]); err != nil {
			return nil, err
		}
		fmt.Fprintf(&events, "event: row\ndata: %s\n\n", bytes.ReplaceAll(c.placed(row.Bytes()), []byte("\n"), []byte(" ")))
	}
	return events.Bytes(), nil
}
