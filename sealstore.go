package peal

import "context"

// SealStore brings secrets at rest from one key to another, while everything goes on.
type SealStore interface {
	// Reseal seals at most limit values anew, in one short transaction: those that were
	// sealed with another key than the [Sealer] of the store seals with now, and those in
	// the clear. Nothing else of their rows changes, neither the revision of a webhook or
	// a source nor the version of the routes.
	//
	// It gives how many it looked after; 0 means that none is left, also of those whose
	// writing had begun before the Sealer changed its key. A store without a Sealer has
	// none to look after. Internal when a value does not open with any key.
	Reseal(ctx context.Context, limit int) (int, error)
}
