package peal

import "time"

type auditKind struct{}

func (auditKind) prefix() string { return "audit" }

// AuditID names an entry of the audit log and tells when it was made.
type AuditID = ID[auditKind]

// NewAuditID makes a fresh ID for this moment.
func NewAuditID() AuditID { return newID[auditKind]() }

// ParseAuditID reads the text of an audit entry's id. The error has code [Invalid].
func ParseAuditID(text string) (AuditID, error) { return ParseID[auditKind](text) }

// AuditEntry is a change or a look at a secret: who did what to what, when and from
// where. It is never changed.
type AuditEntry struct {
	ID AuditID
	// Tenant is whose thing it was about; "" for one of the whole server.
	Tenant string
	// ActorKind says what let the caller in: key, user, portal, first_run, or anonymous
	// for one who tried to sign in.
	ActorKind string
	// ActorID is the id of the key, the user or the portal link; "" where there is none.
	ActorID string
	// Actor is the name of it, as it was then.
	Actor string
	// Action is what was done, such as webhook.update.
	Action string
	// Target is the id or name of what it was done to; may be "".
	Target string
	// Detail says more in a few words, without secrets; may be "".
	Detail string
	// Address is the IP address of the caller.
	Address string
	// RequestID is the X-Request-Id of the answer.
	RequestID string
}

// At is when it happened, in UTC.
func (e *AuditEntry) At() time.Time { return e.ID.Time() }

// AuditQuery chooses entries, newest first. All that is set must fit.
type AuditQuery struct {
	Tenant string    // only this tenant's; "" for all, and those of the whole server
	Actor  string    // only those of an actor with this id or name; "" for all
	Action string    // only this action; "" for all
	Target string    // only those about this; "" for all
	Since  time.Time // at or after; zero for no bound
	Until  time.Time // before; zero for no bound
	Before AuditID   // older than this one; zero to begin with the newest
	Limit  int
}
