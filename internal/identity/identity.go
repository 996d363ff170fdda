// Package identity knows who calls and what they may do: users who sign in, the
// sessions that they get, portal links, the link of the first start, and the audit log
// of what they did.
//
// [Principal.Can] is the one table of who may do what. The API asks it about keys and
// sessions, the dashboard about sessions.
package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// Options are what identities are known by. Begin with [DefaultOptions].
type Options struct {
	Store Store
	// Theme is that of the deployment: how the portal looks, and what it hides, where a
	// tenant's own theme does not say.
	Theme peal.Theme
	// Log gets what the audit log could not keep; nil discards it.
	Log *slog.Logger
	// Proxies are those in front of the server.
	Proxies front.Proxies
	// PublicURL is where browsers find the server, such as https://hooks.example.com;
	// "" takes it from each request.
	PublicURL string
	// FrameAncestors are the origins whose pages may show the portal in a frame, such
	// as https://app.example.com; none for nobody.
	FrameAncestors []string
	// SessionLife is how long a user stays signed in.
	SessionLife time.Duration
	// LockAfter is how many failed tries in a row lock a name, LockAddressAfter how many
	// lock an address, and LockFor for how long.
	LockAfter, LockAddressAfter int
	LockFor                     time.Duration
	// Cost is what a try of a password costs.
	Cost Cost
	// KeepAudit is how long entries of the audit log are kept; 0 for ever.
	KeepAudit time.Duration
	// OIDC is a provider that users may sign in at beside their passwords.
	OIDC OIDC
	// Now is the clock; nil for the machine's.
	Now func() time.Time
}

// Store keeps identities and keys, and the themes that say what is hidden from guests.
type Store interface {
	peal.IdentityStore
	peal.ThemeStore
	// KeyByHash and RevokeKey are those of [peal.ConfigStore].
	KeyByHash(ctx context.Context, hash [32]byte) (peal.Key, error)
	RevokeKey(ctx context.Context, tenant string, id peal.KeyID, at time.Time) error
	// Nodes is that of [peal.NodeStore].
	Nodes(ctx context.Context) ([]peal.Node, error)
}

// DefaultOptions are those that need no choice.
func DefaultOptions() Options {
	return Options{SessionLife: 12 * time.Hour, LockAfter: 5, LockAddressAfter: 20, LockFor: 15 * time.Minute, Cost: DefaultCost()}
}

// Bounds of how long a user stays signed in.
const (
	MinSessionLife = time.Minute
	MaxSessionLife = 90 * 24 * time.Hour
)

// Validate checks the options but the store. The error names the field as the configuration does.
func (o Options) Validate() error {
	switch {
	case o.SessionLife < MinSessionLife || o.SessionLife > MaxSessionLife:
		return peal.Invalidf("sessions.life", "must be from %s to %s", MinSessionLife, MaxSessionLife)
	case o.LockAfter < 1 || o.LockAddressAfter < 1 || o.LockFor <= 0:
		return errors.New("identity: LockAfter, LockAddressAfter and LockFor must be positive")
	case o.Cost.Memory < 8 || o.Cost.Passes < 1 || o.Cost.Threads < 1:
		return errors.New("identity: Cost must be set")
	case o.KeepAudit < 0:
		return peal.Invalidf("retention.audit", "must not be negative")
	}
	if o.PublicURL != "" {
		if err := checkOrigin(o.PublicURL); err != nil {
			return peal.Within("public_url", err)
		}
	}
	if err := o.OIDC.validate(); err != nil {
		return err
	}
	for _, origin := range o.FrameAncestors {
		if err := checkOrigin(origin); err != nil {
			return peal.Within("portal.frame_ancestors", err)
		}
	}
	return nil
}

// Identity tells who calls. Make one with [New]; its methods are safe for concurrent use.
type Identity struct {
	store          Store
	theme          peal.Theme
	log            *slog.Logger
	proxies        front.Proxies
	publicURL      string
	frameAncestors []string
	sessionLife    time.Duration
	cost           Cost
	keepAudit      time.Duration
	now            func() time.Time
	guesses        *guesses
	hashing        *turns
	crossOrigin    *http.CrossOriginProtection
	firstRun       firstRun
	keys           keyring
	provider       *provider // nil for none
}

// New makes an Identity.
func New(options Options) (*Identity, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Store == nil {
		return nil, errors.New("identity: Store is needed")
	}
	i := &Identity{
		store: options.Store, theme: options.Theme, log: options.Log, proxies: options.Proxies, publicURL: options.PublicURL, frameAncestors: options.FrameAncestors,
		sessionLife: options.SessionLife, cost: options.Cost, keepAudit: options.KeepAudit, now: options.Now,
		guesses:     newGuesses(options.LockAfter, options.LockAddressAfter, options.LockFor),
		hashing:     newTurns(min(runtime.GOMAXPROCS(0), mostHashing)),
		crossOrigin: http.NewCrossOriginProtection(),
	}
	if i.log == nil {
		i.log = slog.New(slog.DiscardHandler)
	}
	if i.now == nil {
		i.now = time.Now
	}
	if options.OIDC.Issuer != "" {
		i.provider = newProvider(options.OIDC, i.now)
	}
	if i.publicURL != "" {
		if err := i.crossOrigin.AddTrustedOrigin(i.publicURL); err != nil {
			return nil, peal.Invalidf("public_url", "must be an origin, such as https://hooks.example.com")
		}
	}
	return i, nil
}

// FrameAncestors are the origins whose pages may show the portal in a frame.
func (i *Identity) FrameAncestors() []string { return i.frameAncestors }

// Store is where identities are kept.
func (i *Identity) Store() peal.IdentityStore { return i.store }
