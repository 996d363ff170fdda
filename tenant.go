package peal

import (
	"time"
)

// Tenant is whose webhooks and events they are: a workspace, a project, a
// dataspace, a customer. Its name is the application's own.
type Tenant struct {
	Name        string // 1 to 128 of letters, digits and "._-:@"
	Description string
	// Format is the default of its new webhooks; "" for the deployment's.
	Format string
	// RetryPolicy is the default of its webhooks; nil for the format's or the deployment's.
	RetryPolicy *RetryPolicy
	// Catalogue names the catalogue that describes its events; "" for [DefaultCatalogue].
	Catalogue string
	// Quotas are its own limits; those that are missing are the deployment's.
	Quotas Quotas
	// Revision counts the changes of the settings. The store sets it; a change names the
	// one that it is made from.
	Revision  int64
	CreatedAt time.Time // UTC
}

// ValidateTenant checks a tenant's name. The error has code [Invalid] and the field "tenant".
func ValidateTenant(name string) error {
	if name == "" || len(name) > MaxTenantLength {
		return Invalidf("tenant", "must have 1 to %d characters", MaxTenantLength)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c|0x20-'a' <= 25, c-'0' <= 9:
		case i > 0 && (c == '.' || c == '_' || c == '-' || c == ':' || c == '@'):
		default:
			return Invalidf("tenant", "must be letters, digits and \"._-:@\", beginning with a letter or digit")
		}
	}
	return nil
}

// Validate checks the tenant. The error has code [Invalid] and names the field; see [Faults].
func (t *Tenant) Validate() error {
	faults := []error{ValidateTenant(t.Name)}
	if len(t.Description) > MaxDescription {
		faults = append(faults, Invalidf("description", "is %d bytes, at most %d are kept", len(t.Description), MaxDescription))
	}
	if t.RetryPolicy != nil {
		faults = append(faults, t.RetryPolicy.Validate())
	}
	if t.Catalogue != "" {
		faults = append(faults, ValidateCatalogue(t.Catalogue))
	}
	faults = append(faults, t.Quotas.Validate(0))
	if _, own := t.Quotas[QuotaEventTypes]; own {
		faults = append(faults, Invalidf("quotas.event_types", "must be left out; catalogues are shared, and the server's setting bounds each"))
	}
	return Faults(faults...)
}
