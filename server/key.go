package server

import (
	"context"
	"fmt"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

// keyStore is the part of the store that the first key needs.
type keyStore interface {
	CreateKey(ctx context.Context, key peal.APIKey) error
	Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error)
}

// createFirstKey creates an operator's key, and returns its text, if none is configured and the
// store has no valid one. Otherwise it returns "".
func createFirstKey(ctx context.Context, store keyStore, configured string) (string, error) {
	if configured != "" {
		return "", nil
	}
	found, err := hasOperatorKey(ctx, store)
	if err != nil || found {
		return "", err
	}
	key, text := manage.FreshKey(manage.NewKey{Name: "first operator key"})
	if err := store.CreateKey(ctx, key); err != nil {
		return "", fmt.Errorf("create the first operator key: %w", err)
	}
	return text, nil
}

func hasOperatorKey(ctx context.Context, store keyStore) (bool, error) {
	const page = 100
	var before peal.KeyID
	for {
		keys, err := store.Keys(ctx, "", before, page)
		if err != nil {
			return false, fmt.Errorf("look for an operator key: %w", err)
		}
		for _, key := range keys {
			if key.RevokedAt.IsZero() {
				return true, nil
			}
			before = key.ID
		}
		if len(keys) < page {
			return false, nil
		}
	}
}
