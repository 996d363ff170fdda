package dashboard

import (
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// The limits of one retry of a text search: the number of deliveries, and the time of the search,
// which may cover a long history.
const (
	maxRetried = 1000
	retryTime  = 10 * time.Second
)

// retryFound retries the deliveries of a text search one by one, because a replay cannot search.
// Retried ones no longer match, so that pressing the button again continues.
func (d *Dashboard) retryFound(c *call, f *deliveryFilter) error {
	begun := d.Now()
	retried := 0
	for {
		if err := c.recheck(); err != nil {
			return err
		}
		found, next, err := c.findDeliveries(f, min(pageRows, maxRetried-retried))
		if err != nil {
			return err
		}
		for i := range found {
			_, err := d.Engine.Retry(c.ctx(), c.tenant, found[i].ID)
			switch peal.CodeOf(err) {
			case peal.Conflict, peal.NotFound: // its webhook is disabled or deleted, or somebody else was first
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
