package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// firstRunLife is how long the link of the first start can be followed, and how long
// its session lasts.
const firstRunLife = time.Hour

// firstRun is the link that lets the operator in while there are no users. It is kept
// in memory alone: a restart makes another.
type firstRun struct {
	mu    sync.Mutex
	hash  [sha256.Size]byte
	until time.Time // zero when there is no link, or no more
}

// FirstRunToken makes the token of a link that signs the operator in once, within an
// hour; "" when there are users already. A later one replaces an earlier one.
func (i *Identity) FirstRunToken(ctx context.Context) (string, error) {
	none, err := i.noUsers(ctx)
	if err != nil || !none {
		return "", err
	}
	token := newToken()
	i.firstRun.mu.Lock()
	defer i.firstRun.mu.Unlock()
	i.firstRun.hash, i.firstRun.until = hashToken(token), i.now().Add(firstRunLife)
	return token, nil
}

func (i *Identity) noUsers(ctx context.Context) (bool, error) {
	users, err := i.store.Users(ctx, "", peal.UserID{}, 1)
	return len(users) == 0, err
}

// RedeemFirstRun signs in whoever has the token of [Identity.FirstRunToken], as an owner
// for all tenants. NotFound when it is not that token, or was used, or has expired, or
// there are users by now.
func (i *Identity) RedeemFirstRun(w http.ResponseWriter, r *http.Request, token string) (Principal, error) {
	refused := peal.Errorf(peal.NotFound, "the link was used already, or has expired")
	none, err := i.noUsers(r.Context())
	if err != nil {
		return Principal{}, err
	}
	if !none || !i.firstRun.use(hashToken(token), i.now()) {
		return Principal{}, refused
	}
	session, secret := i.newSession(r, peal.SessionFirstRun, firstRunLife)
	session.Name, session.Role = "first run", peal.RoleOwner
	if err := i.store.CreateSession(r.Context(), session); err != nil {
		return Principal{}, err
	}
	i.setCookie(w, r, userCookie, secret, session.ExpiresAt)
	who := ofSession(&session)
	return who, i.Record(r, who, Entry{Action: "session.begin", Target: who.SessionID.String(), Detail: "link of the first start"})
}

// use uses the link up when the hash is that of its token.
func (f *firstRun) use(hash [sha256.Size]byte, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.Before(f.until) || subtle.ConstantTimeCompare(hash[:], f.hash[:]) != 1 {
		return false
	}
	f.until = time.Time{}
	return true
}
