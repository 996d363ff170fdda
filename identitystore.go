package peal

import (
	"context"
	"time"
)

// ErrRevision is the [Conflict] of an update that was made from an older revision than
// the stored one: read it again and repeat the change.
var ErrRevision = Errorf(Conflict, "somebody else has changed it meanwhile; read it again")

// IdentityStore keeps who may sign in, who is signed in, and who did what.
type IdentityStore interface {
	// CreateUser adds a user, of Revision 1, and its tenant where there is none. Conflict
	// when the id, the name or the subject (unless "") is taken.
	CreateUser(ctx context.Context, user User) error
	// UpdateUser replaces everything of a user but its name, adds 1 to its Revision and
	// revokes all of its sessions at UpdatedAt. The user's new tenant is created where
	// there is none. [ErrRevision] when Revision is not the stored one; Conflict when the
	// subject is another's; NotFound.
	UpdateUser(ctx context.Context, user User) error
	// DeleteUser deletes a user, one of the tenant or any with tenant "", and revokes
	// all of its sessions. NotFound.
	DeleteUser(ctx context.Context, tenant string, id UserID, at time.Time) error
	// User gives one user: one of the tenant, or any with tenant "". NotFound.
	User(ctx context.Context, tenant string, id UserID) (User, error)
	// UserByName gives the user of a name. NotFound.
	UserByName(ctx context.Context, name string) (User, error)
	// UserBySubject gives the user of a subject. NotFound, also for "".
	UserBySubject(ctx context.Context, subject string) (User, error)
	// Users lists a tenant's users, or all with tenant "", newest first, those older
	// than before (all when zero).
	Users(ctx context.Context, tenant string, before UserID, limit int) ([]User, error)

	// CreateSession adds a session, and its tenant where there is none. NotFound when
	// its user (unless zero) is not there.
	// At most 100 sessions that ended over 30 days before it began go for good.
	CreateSession(ctx context.Context, session Session) error
	// SessionByHash gives a session that at now is neither revoked nor past its
	// ExpiresAt. NotFound.
	SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (Session, error)
	// Sessions lists sessions.
	Sessions(ctx context.Context, query SessionQuery) ([]Session, error)
	// RevokeSession ends a session, one of the tenant or any with tenant ""; one that
	// is revoked keeps its moment. NotFound.
	RevokeSession(ctx context.Context, tenant string, id SessionID, at time.Time) error
	// RevokeSessions ends all sessions of a user that have not ended at a moment, and
	// says how many they were.
	RevokeSessions(ctx context.Context, user UserID, at time.Time) (int, error)

	// CreatePortalLink adds a portal link, and its tenant where there is none. Conflict
	// when the id or the hash is taken. At most 100 links that expired over 30 days
	// before it was made go for good.
	CreatePortalLink(ctx context.Context, link PortalLink) error
	// RedeemPortalLink uses up the link of a hash at a moment, gives the session its
	// PortalLinkID, Name, Tenant and Role and an ExpiresAt after the link's SessionLife,
	// and adds it. NotFound for a link that is used, revoked or expired at that moment.
	RedeemPortalLink(ctx context.Context, hash [32]byte, session Session, at time.Time) (Session, error)
	// PortalLinks lists a tenant's links, or all with tenant "", newest first, those
	// older than before (all when zero).
	PortalLinks(ctx context.Context, tenant string, before PortalLinkID, limit int) ([]PortalLink, error)
	// RevokePortalLink takes back a link, one of the tenant or any with tenant "", and
	// revokes the session that it gave; one that is revoked keeps its moment. NotFound.
	RevokePortalLink(ctx context.Context, tenant string, id PortalLinkID, at time.Time) error

	// AppendAudit adds an entry to the audit log. At most 100 entries that are older
	// than keep go for good, unless keep is zero.
	AppendAudit(ctx context.Context, entry AuditEntry, keep time.Duration) error
	// Audit lists entries of the audit log.
	Audit(ctx context.Context, query AuditQuery) ([]AuditEntry, error)
}
