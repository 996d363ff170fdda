package peal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

type userKind struct{}

func (userKind) prefix() string { return "user" }

// UserID names a user.
type UserID = ID[userKind]

// NewUserID makes a fresh ID for this moment.
func NewUserID() UserID { return newID[userKind]() }

// ParseUserID reads the text of a user's id. The error has code [Invalid].
func ParseUserID(text string) (UserID, error) { return ParseID[userKind](text) }

// Role is what a user may do; each does all that those after it do.
type Role string

// The roles.
const (
	RoleOwner  Role = "owner"  // also keys, users, sessions, portal links and the audit log
	RoleEditor Role = "editor" // also changes webhooks and deliveries and sees secrets
	RoleViewer Role = "viewer" // sees webhooks (without secrets), events and deliveries
)

// Validate checks that the role is one of those. The error has code [Invalid] and
// names the field role.
func (r Role) Validate() error {
	switch r {
	case RoleOwner, RoleEditor, RoleViewer:
		return nil
	}
	return Invalidf("role", "must be owner, editor or viewer")
}

// MaxUserName is the most characters of a user's name: those of an e-mail address (RFC 5321, erratum 1690).
const MaxUserName = 254

// User is a person who signs in to the dashboard.
type User struct {
	ID UserID
	// Name is what the person signs in with, such as an e-mail address; unique in the
	// whole server, in lower case, and never changes.
	Name string
	// Password is the hash of the password, as package internal/identity writes it; ""
	// for one who signs in elsewhere only. It is never shown.
	Password string
	// Subject is who the person is to the OpenID provider: its issuer, a space, and
	// its name of the person; "" for one who signs in with a password only. Unique.
	Subject string
	// Tenant is the only tenant that the user sees; "" for every tenant.
	Tenant string
	Role   Role
	// Revision counts the changes. The store sets it; a change names the one that it is
	// made from.
	Revision  int64
	UpdatedAt time.Time // UTC
}

// IsOperator reports whether the user acts for every tenant.
func (u *User) IsOperator() bool { return u.Tenant == "" }

// CreatedAt is when the user was made, in UTC.
func (u *User) CreatedAt() time.Time { return u.ID.Time() }

// Validate checks name, tenant and role. The error has code [Invalid] and names the
// field; see [Faults].
func (u *User) Validate() error {
	faults := []error{ValidateUserName(u.Name)}
	if u.Tenant != "" {
		faults = append(faults, ValidateTenant(u.Tenant))
	}
	return Faults(append(faults, u.Role.Validate())...)
}

// ValidateUserName checks a user's name. The error has code [Invalid] and names the
// field name.
func ValidateUserName(name string) error {
	switch {
	case name == "" || utf8.RuneCountInString(name) > MaxUserName:
		return Invalidf("name", "must have 1 to %d characters", MaxUserName)
	case name != NormalizeUserName(name):
		return Invalidf("name", "must be in lower case, without spaces around it")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' || r == unicode.ReplacementChar }):
		return Invalidf("name", "must not hold spaces or control characters")
	}
	return nil
}

// NormalizeUserName gives the name that a person means who types one.
func NormalizeUserName(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }

// Scope is what a key may do.
type Scope string

// The scopes. A key without a tenant and without scopes is an operator's and may do everything.
const (
	ScopePublish Scope = "publish" // publish events
	ScopeManage  Scope = "manage"  // create, change and delete webhooks and deliveries
	ScopeRead    Scope = "read"    // see webhooks (without secrets), events and deliveries
	ScopeMetrics Scope = "metrics" // read the metrics of the whole server: of a key without a tenant, alone
)

// Scopes lists all scopes.
func Scopes() []Scope { return []Scope{ScopePublish, ScopeManage, ScopeRead, ScopeMetrics} }

// Key lets a caller in. Only the hash of its text is kept.
type Key struct {
	ID     KeyID
	Tenant string // "" for an operator's key and for one with [ScopeMetrics]
	Name   string // 1 to 128 characters
	Scopes []Scope
	Hash   [sha256.Size]byte
	// Hint is the last four characters of the text, to tell keys apart.
	Hint      string
	RevokedAt time.Time // UTC; zero while it is good
}

// maxLabel is the most characters of the name of a key or a portal link.
const maxLabel = 128

// MinKeyLength is the fewest characters of a key that an operator brings.
const MinKeyLength = 32

// NewKeyText makes the text of a key: "peal_" and 256 random bits.
func NewKeyText() string {
	var bits [32]byte
	rand.Read(bits[:])
	return "peal_" + base64.RawURLEncoding.EncodeToString(bits[:])
}

// HashKey gives what is kept of a key's text. Keys have at least 128 bits of
// chance, so one SHA-256 is enough; it is no password hash.
func HashKey(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// IsOperator reports whether the key acts for every tenant.
func (k *Key) IsOperator() bool { return k.Tenant == "" && len(k.Scopes) == 0 }

// May reports whether the key has a scope.
func (k *Key) May(scope Scope) bool {
	return k.RevokedAt.IsZero() && (k.IsOperator() || slices.Contains(k.Scopes, scope))
}

// CreatedAt is when the key was made, in UTC.
func (k *Key) CreatedAt() time.Time { return k.ID.Time() }

// Validate checks name and scopes. The error has code [Invalid] and names the field; see [Faults].
func (k *Key) Validate() error {
	var faults []error
	if k.Name == "" || utf8.RuneCountInString(k.Name) > maxLabel {
		faults = append(faults, Invalidf("name", "must have 1 to %d characters", maxLabel))
	}
	switch metrics := slices.Contains(k.Scopes, ScopeMetrics); {
	case metrics && len(k.Scopes) > 1:
		faults = append(faults, Invalidf("scopes", "must be metrics alone, or others without it"))
	case metrics && k.Tenant != "":
		faults = append(faults, Invalidf("scopes", "must not be metrics for a tenant's key: the metrics are those of all tenants"))
	case k.Tenant != "" && len(k.Scopes) == 0:
		faults = append(faults, Invalidf("scopes", "is missing: give one or more of publish, manage and read"))
	case k.Tenant == "" && len(k.Scopes) > 0 && !metrics:
		faults = append(faults, Invalidf("scopes", "must be absent: an operator's key may do everything"))
	}
	for i, scope := range k.Scopes {
		if !slices.Contains(Scopes(), scope) {
			faults = append(faults, Invalidf("scopes["+itoa(i)+"]", "must be publish, manage, read or metrics"))
		}
	}
	return Faults(faults...)
}

type sessionKind struct{}

func (sessionKind) prefix() string { return "session" }

// SessionID names a session. It lets nobody in: the session's token does.
type SessionID = ID[sessionKind]

// NewSessionID makes a fresh ID for this moment.
func NewSessionID() SessionID { return newID[sessionKind]() }

// ParseSessionID reads the text of a session's id. The error has code [Invalid].
func ParseSessionID(text string) (SessionID, error) { return ParseID[sessionKind](text) }

// SessionKind says how a session began.
type SessionKind string

// The kinds of sessions.
const (
	SessionUser     SessionKind = "user"      // a user signed in
	SessionPortal   SessionKind = "portal"    // somebody followed a portal link
	SessionFirstRun SessionKind = "first_run" // the operator followed the link that the first start prints
)

// Session is a browser that is signed in. Only the hash of its token is kept.
type Session struct {
	ID   SessionID
	Kind SessionKind
	Hash [sha256.Size]byte
	// UserID is whose session it is, PortalLinkID which link it came from; both are
	// zero in a session of the first run.
	UserID       UserID
	PortalLinkID PortalLinkID
	// Name, Tenant and Role are those of the user or link. Tenant "" is every tenant.
	Name   string
	Tenant string
	Role   Role
	// ExpiresAt is when it ends by itself, RevokedAt when somebody ended it, both in
	// UTC; RevokedAt is zero until then.
	ExpiresAt time.Time
	RevokedAt time.Time
	// Address is the IP address that it began from, Agent what the browser said it is.
	Address string
	Agent   string
}

// CreatedAt is when the session began, in UTC.
func (s *Session) CreatedAt() time.Time { return s.ID.Time() }

// MaxSessionAgent is the most bytes that are kept of what a browser says it is.
const MaxSessionAgent = 256

// SessionQuery chooses sessions, newest first, ended ones included.
type SessionQuery struct {
	Tenant string    // only this tenant's; "" for all
	UserID UserID    // only this user's; zero for all
	Before SessionID // older than this one; zero to begin with the newest
	Limit  int
}

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
	if l.Name == "" || utf8.RuneCountInString(l.Name) > maxLabel {
		faults = append(faults, Invalidf("name", "must have 1 to %d characters", maxLabel))
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
