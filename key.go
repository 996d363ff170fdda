package peal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"
)

// Scope is what a key may do.
type Scope string

// The scopes. A key without a tenant is an operator's and may do everything.
const (
	ScopePublish Scope = "publish" // publish events
	ScopeManage  Scope = "manage"  // create, change and delete webhooks and deliveries
	ScopeRead    Scope = "read"    // see webhooks (without secrets), events and deliveries
)

// Key lets a caller in. Only the hash of its text is kept.
type Key struct {
	ID     KeyID
	Tenant string // "" for an operator key
	Name   string // 1 to 128 bytes
	Scopes []Scope
	Hash   [sha256.Size]byte
	// Hint is the last four characters of the text, to tell keys apart.
	Hint      string
	RevokedAt time.Time // UTC; zero while it is good
}

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
func (k *Key) IsOperator() bool { return k.Tenant == "" }

// May reports whether the key has a scope.
func (k *Key) May(scope Scope) bool {
	return k.RevokedAt.IsZero() && (k.IsOperator() || slices.Contains(k.Scopes, scope))
}

// CreatedAt is when the key was made, in UTC.
func (k *Key) CreatedAt() time.Time { return k.ID.Time() }

// Validate checks name and scopes. The error has code [Invalid] and names the field; see [Faults].
func (k *Key) Validate() error {
	var faults []error
	if k.Name == "" || len(k.Name) > 128 {
		faults = append(faults, Invalidf("name", "must have 1 to 128 bytes"))
	}
	if k.Tenant != "" && len(k.Scopes) == 0 {
		faults = append(faults, Invalidf("scopes", "is missing: give one or more of publish, manage and read"))
	}
	if k.Tenant == "" && len(k.Scopes) > 0 {
		faults = append(faults, Invalidf("scopes", "must be absent: an operator's key may do everything"))
	}
	for i, scope := range k.Scopes {
		switch scope {
		case ScopePublish, ScopeManage, ScopeRead:
		default:
			faults = append(faults, Invalidf("scopes["+itoa(i)+"]", "must be publish, manage or read"))
		}
	}
	return Faults(faults...)
}
