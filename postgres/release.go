package postgres

import (
	"context"
	"fmt"

	"github.com/pealhq/peal"
)

// Release implements [peal.WorkStore].
func (s *Store) Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	if ids != nil {
		return translate("release deliveries", s.release(ctx, node, ids))
	}
	_, err := s.exec(ctx, fmt.Sprintf(letGo, `owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(node))
	return translate("release deliveries", err)
}

func (s *Store) release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	_, err := s.exec(ctx, fmt.Sprintf(letGo, `id = ANY ($2) AND owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(node), uuids(ids...))
	return err
}
