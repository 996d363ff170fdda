package peal

import (
	"strings"
	"time"
	"unicode"
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

// MaxUserName is the most bytes of a user's name: those of an e-mail address.
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
	case name == "" || len(name) > MaxUserName:
		return Invalidf("name", "must have 1 to %d bytes", MaxUserName)
	case name != NormalizeUserName(name):
		return Invalidf("name", "must be in lower case, without spaces around it")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' || r == unicode.ReplacementChar }):
		return Invalidf("name", "must not hold spaces or control characters")
	}
	return nil
}

// NormalizeUserName gives the name that a person means who types one.
func NormalizeUserName(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }
