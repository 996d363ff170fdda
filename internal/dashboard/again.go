package dashboard

import (
	"context"
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/message"
)

// mayUse reports whether the page is open to the caller.
func (c *call) mayUse() error {
	if err := c.must(c.need); err != nil {
		return err
	}
	return c.mustSee(c.of)
}

// again asks once more who calls, and whether the page is still open to them: before
// anything is taken or shown that came later than they did.
func (c *call) again() error {
	ask := c.d.identity.Caller
	if c.portal != nil {
		ask = c.d.identity.PortalCaller
	}
	who, err := ask(c.r)
	if err != nil {
		return err
	}
	if who.SessionID != c.who.SessionID || who.Tenant != c.who.Tenant {
		return peal.Fail(peal.Unauthorized, message.NotSignedIn)
	}
	c.who = who
	return c.mayUse()
}

// stillIn is again for a request that goes on. Trouble of the store is no refusal.
func (c *call) stillIn(ctx context.Context) bool {
	asking := *c
	asking.r = c.r.WithContext(ctx)
	switch peal.CodeOf(asking.again()) {
	case peal.Unauthorized, peal.Forbidden, peal.NotFound:
		return false
	}
	return true
}

// takeForm reads the form that a request sends, and asks again who calls: it may have taken
// its time.
func (c *call) takeForm(account *bodies.Account) error {
	if err := readForm(c.r, account, maxForm); err != nil || c.r.Method != http.MethodPost {
		return err
	}
	return c.again()
}
