package peal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
)

type userKind struct{}

func (userKind) prefix() string { return "user" }

// UserID identifies a user.
type UserID = ID[userKind]

// NewUserID creates an ID with the current time.
func NewUserID() UserID { return newID[userKind]() }

// ParseUserID parses the text of a user's id. The error has code [Invalid].
func ParseUserID(text string) (UserID, error) { return parseID[userKind](text) }

// Role is the set of a user's rights. Each role includes the rights of those after it.
type Role string

// The roles.
const (
	RoleOwner  Role = "owner"  // also manages keys, users, sessions and portal links, and sees the audit log
	RoleEditor Role = "editor" // also changes webhooks and deliveries, and sees secrets
	RoleViewer Role = "viewer" // sees webhooks (without secrets), events and deliveries
)

// Validate checks that the role is known. The error has code [Invalid] and the field "role".
func (r Role) Validate() error {
	switch r {
	case RoleOwner, RoleEditor, RoleViewer:
		return nil
	}
	return Fault("role", message.RoleUnknown)
}

// maxUserName is the maximum length of a user's name in characters, that of an e-mail address
// (RFC 5321, erratum 1690).
const maxUserName = 254

// User is a person who signs in to the dashboard.
type User struct {
	ID UserID
	// Name is the name that the person signs in with, such as an e-mail address. It is
	// unique in the whole server, in lower case, and never changes.
	Name string
	// Password is the hash of the password in the form of package internal/identity; ""
	// for a user who signs in with OpenID only. It is never shown.
	Password string
	// Subject identifies the person at the OpenID provider: the issuer, a space, and the
	// provider's subject; "" for a user who signs in with a password only. It is unique.
	Subject string
	// Tenant is the only tenant that the user sees; "" for every tenant.
	Tenant string
	Role   Role
	// Revision counts the changes. The store sets it; an update carries the revision that
	// it was made from.
	Revision  int64
	UpdatedAt time.Time // UTC
}

// CreatedAt returns when the user was created, in UTC.
func (u *User) CreatedAt() time.Time { return u.ID.Time() }

// Validate checks name, tenant and role. The error has code [Invalid] and names the
// field; see [FaultsOf].
func (u *User) Validate() error {
	faults := []error{ValidateUserName(u.Name)}
	if u.Tenant != "" {
		faults = append(faults, ValidateTenant(u.Tenant))
	}
	return JoinFaults(append(faults, u.Role.Validate())...)
}

// ValidateUserName checks a user's name. The error has code [Invalid] and the field "name".
func ValidateUserName(name string) error {
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxUserName:
		return Fault("name", message.CharactersUpTo, maxUserName)
	case name != NormalizeUserName(name):
		return Fault("name", message.UserNameCase)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' || r == unicode.ReplacementChar }):
		return Fault("name", message.UserNameSpaces)
	}
	return nil
}

// NormalizeUserName returns the name that somebody typed in lower case, without spaces around it.
func NormalizeUserName(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }

// KeyScope is a right of a key.
type KeyScope string

// The scopes. A key without a tenant and without scopes is an operator key, which has all rights.
const (
	ScopePublish KeyScope = "publish" // publishes events
	ScopeManage  KeyScope = "manage"  // creates, changes and deletes webhooks and deliveries
	ScopeRead    KeyScope = "read"    // sees webhooks (without secrets), events and deliveries
	ScopeMetrics KeyScope = "metrics" // reads the metrics of the whole server: the only scope of its key, without a tenant
)

// KeyScopes returns all scopes.
func KeyScopes() []KeyScope { return []KeyScope{ScopePublish, ScopeManage, ScopeRead, ScopeMetrics} }

// APIKey is an API key. Only the hash of its text is stored.
type APIKey struct {
	ID     KeyID
	Tenant string // "" for an operator's key and for one with [ScopeMetrics]
	Name   string // 1 to 128 characters
	Scopes []KeyScope
	Hash   [sha256.Size]byte
	// Hint is the last four characters of the text, which help people tell keys apart.
	Hint      string
	RevokedAt time.Time // UTC; zero while the key is valid
}

// maxLabel is the maximum length, in characters, of the name of a key or a portal link.
const maxLabel = 128

// MinKeyLength is the minimum length, in characters, of a key that an operator chooses.
const MinKeyLength = 32

// NewKeyText creates the text of a key: "peal_" and 256 random bits.
func NewKeyText() string {
	var bits [32]byte
	rand.Read(bits[:])
	return "peal_" + base64.RawURLEncoding.EncodeToString(bits[:])
}

// HashKey returns the hash of a key's text. Keys have at least 128 random bits, so a
// single SHA-256 is enough, which it would not be for a password.
func HashKey(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// CreatedAt returns when the key was created, in UTC.
func (k *APIKey) CreatedAt() time.Time { return k.ID.Time() }

// Validate checks name and scopes. The error has code [Invalid] and names the field; see
// [FaultsOf].
func (k *APIKey) Validate() error {
	var faults []error
	if k.Name == "" || utf8.RuneCountInString(k.Name) > maxLabel {
		faults = append(faults, Fault("name", message.CharactersUpTo, maxLabel))
	}
	switch metrics := slices.Contains(k.Scopes, ScopeMetrics); {
	case metrics && len(k.Scopes) > 1:
		faults = append(faults, Fault("scopes", message.MetricsAlone))
	case metrics && k.Tenant != "":
		faults = append(faults, Fault("scopes", message.MetricsOfTenant))
	case k.Tenant != "" && len(k.Scopes) == 0:
		faults = append(faults, Fault("scopes", message.ScopesMissing))
	case k.Tenant == "" && len(k.Scopes) > 0 && !metrics:
		faults = append(faults, Fault("scopes", message.OperatorKeyScopes))
	}
	for i, scope := range k.Scopes {
		if !slices.Contains(KeyScopes(), scope) {
			faults = append(faults, Fault("scopes["+itoa(i)+"]", message.ScopeUnknown))
		}
	}
	return JoinFaults(faults...)
}

type sessionKind struct{}

func (sessionKind) prefix() string { return "session" }

// SessionID identifies a session. It does not authenticate: only the session's token does.
type SessionID = ID[sessionKind]

// NewSessionID creates an ID with the current time.
func NewSessionID() SessionID { return newID[sessionKind]() }

// ParseSessionID parses the text of a session's id. The error has code [Invalid].
func ParseSessionID(text string) (SessionID, error) { return parseID[sessionKind](text) }

// SessionKind is the way in which a session started.
type SessionKind string

// The kinds of sessions.
const (
	SessionUser     SessionKind = "user"      // a user signed in
	SessionPortal   SessionKind = "portal"    // somebody followed a portal link
	SessionFirstRun SessionKind = "first_run" // the operator followed the link that the first start prints
)

// Session is a signed-in browser. Only the hash of its token is stored.
type Session struct {
	ID   SessionID
	Kind SessionKind
	Hash [sha256.Size]byte
	// UserID is the user of the session, PortalLinkID the link that it was started with.
	// Both are zero in a session of the first run.
	UserID       UserID
	PortalLinkID PortalLinkID
	// Name, Tenant and Role are those of the user or link. Tenant "" is every tenant.
	Name   string
	Tenant string
	Role   Role
	// ExpiresAt is when it ends by itself, RevokedAt when somebody ended it, both in UTC.
	// RevokedAt is zero until then.
	ExpiresAt time.Time
	RevokedAt time.Time
	// Address is the IP address that started the session, Agent the browser's User-Agent.
	Address string
	Agent   string
}

// CreatedAt returns when the session started, in UTC.
func (s *Session) CreatedAt() time.Time { return s.ID.Time() }

// MaxSessionAgent is the number of bytes stored of a browser's User-Agent.
const MaxSessionAgent = 256

// SessionQuery selects sessions, newest first, including ended ones.
type SessionQuery struct {
	Tenant string    // only this tenant's; "" for all
	UserID UserID    // only this user's; zero for all
	Before SessionID // older than this one; zero to start with the newest
	Limit  int
}

type portalLinkKind struct{}

func (portalLinkKind) prefix() string { return "link" }

// PortalLinkID identifies a portal link. It does not authenticate: only the link's token does.
type PortalLinkID = ID[portalLinkKind]

// NewPortalLinkID creates an ID with the current time.
func NewPortalLinkID() PortalLinkID { return newID[portalLinkKind]() }

// ParsePortalLinkID parses the text of a portal link's id. The error has code [Invalid].
func ParsePortalLinkID(text string) (PortalLinkID, error) { return parseID[portalLinkKind](text) }

// The lifetimes of a portal link, and of the session that it starts.
const (
	minPortalLife        = time.Minute
	maxPortalLife        = 24 * time.Hour
	DefaultPortalLife    = 5 * time.Minute
	DefaultPortalSession = time.Hour
)

// PortalLink shows one tenant's webhooks to somebody who is not a user. It works once: the
// first person who follows it gets a session. Only the hash of its token is stored.
type PortalLink struct {
	ID     PortalLinkID
	Tenant string
	// Name describes the person that the link is for, 1 to 128 characters.
	Name     string
	Hash     [sha256.Size]byte
	ReadOnly bool
	// ExpiresAt is when the link stops working, in UTC.
	ExpiresAt time.Time
	// SessionLife is the lifetime of the session, in whole seconds.
	SessionLife time.Duration
	// UsedAt is when the link was followed, RevokedAt when it was revoked together with its
	// session, both in UTC and zero until then.
	UsedAt    time.Time
	RevokedAt time.Time
}

// CreatedAt returns when the link was created, in UTC.
func (l *PortalLink) CreatedAt() time.Time { return l.ID.Time() }

// Role returns the role of the session.
func (l *PortalLink) Role() Role {
	if l.ReadOnly {
		return RoleViewer
	}
	return RoleEditor
}

// Validate checks name, tenant and times. The error has code [Invalid] and names the
// field; see [FaultsOf].
func (l *PortalLink) Validate() error {
	var faults []error
	if l.Name == "" || utf8.RuneCountInString(l.Name) > maxLabel {
		faults = append(faults, Fault("name", message.CharactersUpTo, maxLabel))
	}
	faults = append(faults, ValidateTenant(l.Tenant))
	if life := l.ExpiresAt.Sub(l.CreatedAt()).Round(time.Second); life < minPortalLife || life > maxPortalLife {
		faults = append(faults, Fault("expires_seconds", message.Range, int(minPortalLife.Seconds()), int(maxPortalLife.Seconds())))
	}
	if l.SessionLife < minPortalLife || l.SessionLife > maxPortalLife || l.SessionLife%time.Second != 0 {
		faults = append(faults, Fault("session_seconds", message.WholeRange, int(minPortalLife.Seconds()), int(maxPortalLife.Seconds())))
	}
	return JoinFaults(faults...)
}

type auditKind struct{}

func (auditKind) prefix() string { return "audit" }

// AuditID identifies an entry of the audit log and contains its time.
type AuditID = ID[auditKind]

// NewAuditID creates an ID with the current time.
func NewAuditID() AuditID { return newID[auditKind]() }

// ParseAuditID parses the text of an audit entry's id. The error has code [Invalid].
func ParseAuditID(text string) (AuditID, error) { return parseID[auditKind](text) }

// AuditEntry records a change, or that somebody saw a secret: who did what to what, when
// and from where. It never changes.
type AuditEntry struct {
	ID AuditID
	// Tenant is the tenant that the action concerned; "" for the whole server.
	Tenant string
	// ActorKind is the caller's kind of credential: key, user, portal or first_run; file for the
	// configuration file, anonymous for an attempt to sign in.
	ActorKind string
	// ActorID is the id of the key, user or portal link; "" if there is none.
	ActorID string
	// Actor is the name of the key, user or portal link at that time.
	Actor string
	// Action is the name of the action, such as webhook.update.
	Action string
	// Target is the id or name of the object of the action; it may be "".
	Target string
	// Detail is a short description without secrets; it may be "".
	Detail string
	// Address is the IP address of the caller.
	Address string
	// RequestID is the X-Request-Id of the response.
	RequestID string
}

// At returns the time of the action, in UTC.
func (e *AuditEntry) At() time.Time { return e.ID.Time() }

// AuditQuery selects entries that match all of its fields, newest first.
type AuditQuery struct {
	Tenant string    // only this tenant's; "" for all, including those of the whole server
	Actor  string    // only those of an actor with this id or name; "" for all
	Action string    // only this action; "" for all
	Target string    // only this target; "" for all
	Since  time.Time // at or after this time; zero for no bound
	Until  time.Time // before this time; zero for no bound
	Before AuditID   // older than this one; zero to start with the newest
	Limit  int
}
