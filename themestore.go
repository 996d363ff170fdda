package peal

import "context"

// ThemeStore keeps how the portal looks to each tenant.
type ThemeStore interface {
	// PutTheme replaces a tenant's theme and adds 1 to its Revision, which is 0 where there
	// is no theme yet; it adds the tenant where there is none. [ErrRevision] when
	// Revision is not the stored one.
	PutTheme(ctx context.Context, tenant string, theme Theme) error
	// Theme gives a tenant's theme. NotFound when it has none.
	Theme(ctx context.Context, tenant string) (Theme, error)
	// DeleteTheme takes a tenant's theme away. NotFound when it has none.
	DeleteTheme(ctx context.Context, tenant string) error
}
