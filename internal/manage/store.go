package manage

// Store is the part of a store that all of this package needs.
type Store interface {
	Finder
	TenantLister
	TenantStore
	KeyStore
	EventTypeStore
	EventTypeFinder
	SourceStore
}
