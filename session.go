package peal

import (
	"crypto/sha256"
	"time"
)

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
