package postgres

import (
	"context"
	"fmt"

	"github.com/pealhq/peal"
)

// releaseBatch is how many deliveries are released in one transaction.
const releaseBatch = 1000

// Release implements [peal.WorkStore]. What cannot be let go of now is later.
func (s *Store) Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	if len(ids) > releaseBatch { // no row is locked for long
		if err := s.Release(ctx, node, ids[:releaseBatch]); err != nil {
			s.doubts.add(node, ids[releaseBatch:], false)
			return err
		}
		return s.Release(ctx, node, ids[releaseBatch:])
	}
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
