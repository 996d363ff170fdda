package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Limits of a sign-in at the provider.
const (
	flowLife = 10 * time.Minute // from the button to coming back
	maxNext  = 2000             // bytes of where to go then; what is longer leads to the front page
)

// flow is one sign-in under way at the provider. The browser keeps it in a cookie, so
// that any node can finish it. State, nonce and the verifier of PKCE are made from its
// secret: who knows one of them, such as the provider, does not know the others.
type flow struct {
	secret string
	until  time.Time
	next   string // where to go then
}

func newFlow(next string, now time.Time) flow {
	if len(next) > maxNext {
		next = "/"
	}
	return flow{secret: newToken(), until: now.Add(flowLife).Truncate(time.Second), next: next}
}

// String is the flow as the cookie has it.
func (f flow) String() string {
	return f.secret + "." + strconv.FormatInt(f.until.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(f.next))
}

// parseFlow reads a cookie; false when it has no flow, or one that took too long.
func parseFlow(text string, now time.Time) (flow, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(parts[0]) != len(newToken()) {
		return flow{}, false
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	until := time.Unix(seconds, 0)
	if err != nil || !now.Before(until) || until.Sub(now) > flowLife {
		return flow{}, false
	}
	next, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(next) > maxNext {
		return flow{}, false
	}
	return flow{secret: parts[0], until: until, next: string(next)}, true
}

func (f flow) state() string    { return f.derive("state") }
func (f flow) nonce() string    { return f.derive("nonce") }
func (f flow) verifier() string { return f.derive("verifier") } // 43 characters, as RFC 7636 wants at least

// derive makes a value that is bound to all of the flow.
func (f flow) derive(purpose string) string {
	mac := hmac.New(sha256.New, []byte(f.secret))
	mac.Write([]byte(purpose + " " + f.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
