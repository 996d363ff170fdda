package peal

import (
	"crypto/sha256"
	"time"
)

type portalLinkKind struct{}

func (portalLinkKind) prefix() string { return "link" }

// PortalLinkID names a portal link. It lets nobody in: the link's token does.
type PortalLinkID = ID[portalLinkKind]

// NewPortalLinkID makes a fresh ID for this moment.
func NewPortalLinkID() PortalLinkID { return newID[portalLinkKind]() }

// ParsePortalLinkID reads the text of a portal link's id. The error has code [Invalid].
func ParsePortalLinkID(text string) (PortalLinkID, error) { return ParseID[portalLinkKind](text) }

// How long a portal link can be followed, and how long the session lasts that it gives.
const (
	MinPortalLife        = time.Minute
	MaxPortalLife        = 24 * time.Hour
	DefaultPortalLife    = 5 * time.Minute
	DefaultPortalSession = time.Hour
)

// PortalLink lets somebody see one tenant's webhooks without being a user. It works
// once: whoever follows it first gets a session. Only the hash of its token is kept.
type PortalLink struct {
	ID     PortalLinkID
	Tenant string
	// Name is who it is for, as the operator writes it: 1 to 128 bytes.
	Name     string
	Hash     [sha256.Size]byte
	ReadOnly bool
	// ExpiresAt is when it can be followed no more, in UTC.
	ExpiresAt time.Time
	// SessionLife is how long the session lasts, in whole seconds.
	SessionLife time.Duration
	// UsedAt is when it was followed, RevokedAt when it was taken back with its
	// session, both in UTC and zero until then.
	UsedAt    time.Time
	RevokedAt time.Time
}

// CreatedAt is when the link was made, in UTC.
func (l *PortalLink) CreatedAt() time.Time { return l.ID.Time() }

// Role is that of the session.
func (l *PortalLink) Role() Role {
	if l.ReadOnly {
		return RoleViewer
	}
	return RoleEditor
}

// Validate checks name, tenant and times. The error has code [Invalid] and names the
// field; see [Faults].
func (l *PortalLink) Validate() error {
	var faults []error
	if l.Name == "" || len(l.Name) > 128 {
		faults = append(faults, Invalidf("name", "must have 1 to 128 bytes"))
	}
	faults = append(faults, ValidateTenant(l.Tenant))
	if life := l.ExpiresAt.Sub(l.CreatedAt()).Round(time.Second); life < MinPortalLife || life > MaxPortalLife {
		faults = append(faults, Invalidf("expires_seconds", "must be from %d to %d", int(MinPortalLife.Seconds()), int(MaxPortalLife.Seconds())))
	}
	if l.SessionLife < MinPortalLife || l.SessionLife > MaxPortalLife || l.SessionLife%time.Second != 0 {
		faults = append(faults, Invalidf("session_seconds", "must be a whole number from %d to %d", int(MinPortalLife.Seconds()), int(MaxPortalLife.Seconds())))
	}
	return Faults(faults...)
}
