package peal

import "context"

// SourceStore keeps sources and what came to them.
type SourceStore interface {
	// CreateSource adds a source, and its tenant where there is none, and gives it
	// back with its Revision. Conflict when the id or, in its tenant, the name is taken;
	// Invalid when it is not [Source.Storable].
	CreateSource(ctx context.Context, source Source) (Source, error)
	// UpdateSource replaces a source's settings (not its Name and Counts) and gives
	// it back with its new Revision. Conflict when its Revision is not the stored
	// one; NotFound.
	UpdateSource(ctx context.Context, source Source) (Source, error)
	// DeleteSource deletes a source; its events stay. NotFound.
	DeleteSource(ctx context.Context, tenant string, id SourceID) error
	// Source gives one source: one of the tenant, or any with tenant "". NotFound.
	Source(ctx context.Context, tenant string, id SourceID) (Source, error)
	// SourceByName gives the source of a name. NotFound.
	SourceByName(ctx context.Context, tenant, name string) (Source, error)
	// Sources lists a tenant's sources, newest first, those older than before (all
	// when zero).
	Sources(ctx context.Context, tenant string, before SourceID, limit int) ([]Source, error)
	// AddSourceCounts counts more on top of what sources have, as
	// [SourceCounts.Add] does, in one transaction. Sources that are gone are no error.
	AddSourceCounts(ctx context.Context, counts map[SourceID]SourceCounts) error
}
