package peal

import "context"

// ThemeStore keeps how the portal looks to each tenant.
type ThemeStore interface {
	// PutTheme sets a tenant's theme in place of the one before, and adds the tenant
	// where there is none.
	PutTheme(ctx context.Context, tenant string, theme Theme) error
	// Theme gives a tenant's theme. NotFound when it has none.
	Theme(ctx context.Context, tenant string) (Theme, error)
	// DeleteTheme takes a tenant's theme away. NotFound when it has none.
	DeleteTheme(ctx context.Context, tenant string) error
}
