package dashboard

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

// Store is the part of a store that the pages read; what changes goes through package manage.
type Store interface {
	manage.Store

	Event(ctx context.Context, tenant, id string) (peal.Event, error)
	Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error)

	Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error)
	Attempts(ctx context.Context, tenant string, id peal.DeliveryID) ([]peal.Attempt, error)

	Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error)
	Replays(ctx context.Context, query peal.ReplayQuery) ([]peal.Replay, error)

	FindDeliveries(ctx context.Context, query peal.DeliverySearch) (peal.FoundDeliveries, error)
	FindEvents(ctx context.Context, query peal.EventSearch) (peal.FoundEvents, error)
	SearchState(ctx context.Context) (peal.SearchState, error)

	WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error)

	Stats(ctx context.Context, query peal.StatsQuery) ([]peal.StatsBucket, error)
	Totals(ctx context.Context, query peal.StatsQuery) (peal.StatsTotals, error)
	Activity(ctx context.Context, tenant string, webhooks []peal.WebhookID) ([]peal.WebhookActivity, error)
	Backlog(ctx context.Context, tenant string) (peal.DeliveryBacklog, error)
	Problems(ctx context.Context, query peal.ProblemQuery) ([]peal.WebhookProblem, error)
	AttentionReport(ctx context.Context, since time.Time, limit int) (peal.AttentionReport, error)

	EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error)
	Catalogues(ctx context.Context, after string, limit int) ([]string, error)
	CountEventTypes(ctx context.Context, catalogue string, most int64) (int64, error)

	Count(ctx context.Context, tenant string, quota peal.Quota, now time.Time, most int64) (int64, error)

	Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error)
	Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error)

	User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error)
	Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error)
	Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error)
	Audit(ctx context.Context, query peal.AuditQuery) ([]peal.AuditEntry, error)

	Nodes(ctx context.Context) ([]peal.Node, error)
}
