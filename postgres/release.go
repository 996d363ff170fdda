package postgres

import (
	"context"
	"fmt"

	"github.com/pealhq/peal"
)

// Release implements [peal.WorkStore]. What cannot be let go of now is later.
func (s *Store) Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	if ids != nil {
		_, err := s.exec(ctx, fmt.Sprintf(letGo, `id = ANY ($2) AND owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(node), uuids(ids...))
		if err != nil {
			s.doubts.add(node, ids, false)
		}
		return translate("release deliveries", err)
	}
	_, err := s.exec(ctx, fmt.Sprintf(letGo, `owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(node))
	return translate("release deliveries", err)
}
