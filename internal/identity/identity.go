// Package identity authenticates and authorizes callers. It manages users, their sessions, portal
// links, the link of the first start, and the audit log.
//
// [Principal.Can] is the only definition of permissions. The API uses it for keys and sessions, the
// dashboard for sessions.
package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/message"
)

// Options configure an [Identity]. Start with [DefaultOptions].
type Options struct {
	Store Store
	// Theme is the deployment's theme: the defaults for the portal's look and its hidden parts.
	Theme peal.Theme
	// Log receives entries that could not be written to the audit log; nil discards them.
	Log *slog.Logger
	// Proxies are the trusted proxies in front of the server.
	Proxies front.Proxies
	// PublicURL is the server's origin for browsers, such as https://hooks.example.com; "" to
	// derive it from each request.
	PublicURL string
	// FrameAncestors are the origins that may show the portal in a frame, such as
	// https://app.example.com.
	FrameAncestors []string
	// SessionLife is the lifetime of a user's session.
	SessionLife time.Duration
	// LockAfter is the number of successive failed attempts that lock a name, LockAddressAfter the
	// number that lock an address, and LockFor the duration of a lock.
	LockAfter, LockAddressAfter int
	LockFor                     time.Duration
	// Cost is the cost of hashing a password.
	Cost Cost
	// KeepAudit is the retention of entries of the audit log; 0 for unlimited.
	KeepAudit time.Duration
	// OIDC is an OpenID provider for sign-ins in addition to passwords.
	OIDC OIDC
	// Now returns the current time; nil for [time.Now].
	Now func() time.Time
}

// Store is the part of a store that identities need.
type Store interface {
	CreateUser(ctx context.Context, user peal.User) error
	UpdateUser(ctx context.Context, user peal.User) error
	DeleteUser(ctx context.Context, tenant string, id peal.UserID, at time.Time) error
	User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error)
	UserByName(ctx context.Context, name string) (peal.User, error)
	UserBySubject(ctx context.Context, subject string) (peal.User, error)
	Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error)

	CreateSession(ctx context.Context, session peal.Session) error
	SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (peal.Session, error)
	Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error)
	RevokeSession(ctx context.Context, tenant string, id peal.SessionID, at time.Time) error
	RevokeSessions(ctx context.Context, user peal.UserID, at time.Time) (int, error)

	CreatePortalLink(ctx context.Context, link peal.PortalLink) error
	RedeemPortalLink(ctx context.Context, hash [32]byte, session peal.Session, at time.Time) (peal.Session, error)
	RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID, at time.Time) error

	KeyByHash(ctx context.Context, hash [32]byte) (peal.APIKey, error)
	RevokeKey(ctx context.Context, tenant string, id peal.KeyID, at time.Time) error
	AppendAudit(ctx context.Context, entry peal.AuditEntry, keep time.Duration) error

	// Theme is a tenant's theme, which hides parts of the portal from guests.
	Theme(ctx context.Context, tenant string) (peal.Theme, error)
	// Nodes are the nodes among which guesses of passwords are shared.
	Nodes(ctx context.Context) ([]peal.Node, error)
}

// DefaultOptions returns the default options without a Store.
func DefaultOptions() Options {
	return Options{SessionLife: 12 * time.Hour, LockAfter: 5, LockAddressAfter: 20, LockFor: 15 * time.Minute,
		Cost: DefaultCost()}
}

// The bounds of SessionLife.
const (
	MinSessionLife = time.Minute
	MaxSessionLife = 90 * 24 * time.Hour
)

// Validate checks the options except the store. The field of an error is that of the configuration.
func (o Options) Validate() error {
	switch {
	case o.SessionLife < MinSessionLife || o.SessionLife > MaxSessionLife:
		return peal.Fault("sessions.life", message.Range, MinSessionLife, MaxSessionLife)
	case o.LockAfter < 1 || o.LockAddressAfter < 1 || o.LockFor <= 0:
		return errors.New("identity: LockAfter, LockAddressAfter and LockFor must be positive")
	case o.Cost.Memory < 8 || o.Cost.Passes < 1 || o.Cost.Threads < 1:
		return errors.New("identity: Cost must be set")
	case o.KeepAudit < 0:
		return peal.Invalidf("retention.audit", "must not be negative")
	}
	if o.PublicURL != "" {
		if err := checkOrigin(o.PublicURL); err != nil {
			return peal.PrefixField("public_url", err)
		}
	}
	if err := o.OIDC.validate(); err != nil {
		return err
	}
	for _, origin := range o.FrameAncestors {
		if err := checkOrigin(origin); err != nil {
			return peal.PrefixField("portal.frame_ancestors", err)
		}
	}
	return nil
}

// Identity authenticates callers. It is created by [New] and safe for concurrent use.
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

// New creates an Identity.
func New(options Options) (*Identity, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Store == nil {
		return nil, errors.New("identity: Store is needed")
	}
	i := &Identity{
		store: options.Store, theme: options.Theme, log: options.Log, proxies: options.Proxies,
		publicURL: options.PublicURL, frameAncestors: options.FrameAncestors,
		sessionLife: options.SessionLife, cost: options.Cost, keepAudit: options.KeepAudit, now: options.Now,
		guesses:     newGuesses(options.LockAfter, options.LockAddressAfter, options.LockFor),
		hashing:     newTurns(min(max(1, runtime.GOMAXPROCS(0)-1), mostHashing)),
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

// FrameAncestors returns the origins that may show the portal in a frame.
func (i *Identity) FrameAncestors() []string { return i.frameAncestors }

// checkOrigin returns an error unless a text is a scheme and a host only.
func checkOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.String() != u.Scheme+"://"+u.Host ||
		strings.ContainsAny(u.Host, ";,*'\"") {
		return peal.Invalidf("", "must be an origin without a path, such as https://hooks.example.com")
	}
	return nil
}

// URL returns the absolute URL of a path of this server for the browser of a request.
func (i *Identity) URL(r *http.Request, path string) string {
	if i.publicURL != "" {
		return i.publicURL + path
	}
	scheme := "http://"
	if i.proxies.Secure(r) {
		scheme = "https://"
	}
	return scheme + r.Host + path
}

// CheckSite returns an error with code [peal.Forbidden] for any request that a browser makes for
// another site, including reads and followed links. It protects resources that are not pages.
func (i *Identity) CheckSite(r *http.Request) error {
	if i.FromElsewhere(r) {
		return peal.Fail(peal.Forbidden, message.ForeignPage)
	}
	return i.CheckOrigin(r)
}

// FromElsewhere reports whether a page of another site caused a request, by a link or a script
// (Sec-Fetch-Site in W3C Fetch Metadata).
func (i *Identity) FromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// CheckOrigin returns an error with code [peal.Forbidden] for a changing request that a browser
// makes for a page of another site. Every handler that accepts a session cookie must call it first.
func (i *Identity) CheckOrigin(r *http.Request) error {
	if err := i.crossOrigin.Check(r); err != nil {
		return peal.Fail(peal.Forbidden, message.ForeignPage).Because(err)
	}
	return nil
}
