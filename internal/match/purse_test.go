package match_test

import (
	"context"
	"encoding/json"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// wants evaluates a route's filter in a separate request.
func wants(route *match.Route, facts *match.Facts) (bool, error) {
	purse := match.NewPurse(context.Background(), context.Background(), "default")
	defer purse.Close()
	return route.Wants(purse, facts)
}

// transform runs a route's transform in a separate request.
func transform(route *match.Route, event *peal.Event) (json.RawMessage, error) {
	return transformUnder(context.Background(), route, event)
}

func transformUnder(ctx context.Context, route *match.Route, event *peal.Event) (json.RawMessage, error) {
	purse := match.NewPurse(ctx, context.Background(), "default")
	defer purse.Close()
	return route.Transform(purse, event)
}
