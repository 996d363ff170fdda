package dashboard

import (
	"context"
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/message"
)

// mayUse refuses a caller to whom the page is closed.
func (c *call) mayUse() error {
	if err := c.must(c.need); err != nil {
		return err
	}
	return c.mustSee(c.of)
}

// recheck identifies the caller again and checks that the page is still open to them. It is called
// before the server accepts or shows anything that arrived after the first check.
func (c *call) recheck() error {
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

// stillAdmitted reports whether the caller of a request in progress is still admitted. An error of
// the store does not end the request.
func (c *call) stillAdmitted(ctx context.Context) bool {
	check := *c
	check.r = c.r.WithContext(ctx)
	switch peal.CodeOf(check.recheck()) {
	case peal.Unauthorized, peal.Forbidden, peal.NotFound:
		return false
	}
	return true
}

// takeForm reads the form of a request, and then rechecks the caller, because it can take a while
// to arrive.
func (c *call) takeForm(account *bodies.Account) error {
	if err := readForm(c.r, account, maxForm); err != nil || c.r.Method != http.MethodPost {
		return err
	}
	return c.recheck()
}
