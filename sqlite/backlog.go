package sqlite

import (
	"context"
	"strconv"

	"github.com/pealhq/peal"
)

// wholeBacklog counts what is pending for all tenants: it looks at as many rows as it
// counts at most, and takes a step in an index for each webhook that something waits for.
func (s *Store) wholeBacklog(ctx context.Context) (peal.DeliveryBacklog, error) {
	var b peal.DeliveryBacklog
	limit := strconv.Itoa(peal.MaxBacklogCount)
	err := s.query(ctx, `WITH RECURSIVE every (webhook) AS (
			SELECT min(webhook) FROM waiting
			UNION ALL
			SELECT (SELECT min(webhook) FROM waiting WHERE webhook > every.webhook) FROM every WHERE webhook IS NOT NULL),
		stopped (num) AS MATERIALIZED (
			SELECT w.num FROM (SELECT webhook FROM every UNION SELECT webhook FROM held) o JOIN webhooks w ON w.num = o.webhook
			WHERE w.settings ->> '$.status' IN ('paused', 'disabled'))
		SELECT
			(SELECT count(*) FROM held) + (SELECT count(*) FROM (SELECT 1 FROM waiting INDEXED BY waiting_webhook WHERE webhook > 0 LIMIT `+limit+`)),
			(SELECT count(*) FROM held WHERE webhook IN (SELECT num FROM stopped))
				+ (SELECT count(*) FROM (SELECT 1 FROM stopped CROSS JOIN waiting x INDEXED BY waiting_webhook ON x.webhook = stopped.num LIMIT `+limit+`)),
			(SELECT min(seq) FROM (SELECT min(seq) AS seq FROM held UNION ALL SELECT min(seq) FROM waiting))`, func(r row) error {
		b.Pending, b.Held = min(int(r.int(0)), peal.MaxBacklogCount), min(int(r.int(1)), peal.MaxBacklogCount)
		b.Oldest = createdAt(r[2])
		return nil
	})
	return b, translate("count what is pending", err)
}
