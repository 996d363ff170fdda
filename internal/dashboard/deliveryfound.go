package dashboard

import (
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// How many deliveries that words have found are sent again at one press, and for how
// long they are looked for: a search may pass over a long history.
const (
	maxRetried = 1000
	retryTime  = 10 * time.Second
)

// retryFound sends again what words have found, one by one: a replay knows no words.
// What was sent again is not found any more, so that pressing once more goes on.
func (d *Dashboard) retryFound(c *call, f *deliveryFilter) error {
	begun := d.Now()
	retried := 0
	for {
		if err := c.again(); err != nil {
			return err
		}
		found, next, err := c.findDeliveries(f, min(pageRows, maxRetried-retried))
		if err != nil {
			return err
		}
		for i := range found {
			_, err := d.Engine.Retry(c.ctx(), c.tenant, found[i].ID)
			switch peal.CodeOf(err) {
			case peal.Conflict, peal.NotFound: // its webhook is disabled or gone, or somebody else was first
				continue
			}
			if err != nil {
				return err
			}
			retried++
		}
		f.before = next
		if next == "" || retried == maxRetried || d.Now().Sub(begun) > retryTime {
			break
		}
	}
	if err := c.record("delivery.retry", "", strconv.Itoa(retried)+" that are "+f.Status+", found by words"); err != nil {
		return err
	}
	if f.before != "" {
		return c.redirect("/deliveries?done=retried_some")
	}
	if retried == 0 {
		return c.redirect("/deliveries?done=retried_none")
	}
	return c.redirect("/deliveries?done=retried_found")
}
