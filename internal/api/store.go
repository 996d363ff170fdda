package api

import (
	"context"

	"github.com/pealhq/peal"
	managing "github.com/pealhq/peal/internal/manage"
)

// Store is the part of a store that the API reads; what changes goes through package manage.
type Store interface {
	managing.Store

	Event(ctx context.Context, tenant, id string) (peal.Event, error)
	Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error)
	FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error)

	Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error)
	Attempts(ctx context.Context, tenant string, id peal.DeliveryID) ([]peal.Attempt, error)

	Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error)
	Replays(ctx context.Context, query peal.ReplayQuery) ([]peal.Replay, error)

	FindDeliveries(ctx context.Context, query peal.DeliverySearch) (peal.FoundDeliveries, error)
	FindEvents(ctx context.Context, query peal.EventSearch) (peal.FoundEvents, error)

	Catalogues(ctx context.Context, after string, limit int) ([]string, error)

	Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error)
	Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error)

	User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error)
	Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error)
	Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error)
	PortalLinks(ctx context.Context, tenant string, before peal.PortalLinkID, limit int) ([]peal.PortalLink, error)
	Audit(ctx context.Context, query peal.AuditQuery) ([]peal.AuditEntry, error)
}
