package api

import (
	"context"
	"net/http"
)

// again asks once more who calls, and whether the route is still open to them: before
// anything is taken or shown that came later than they did.
func (c *call) again() error {
	if c.route.access == public {
		return nil
	}
	before := c.caller
	if err := c.identify(); err != nil {
		return err
	}
	if c.caller.Kind != before.Kind || c.caller.ID != before.ID || c.caller.Tenant != before.Tenant || c.caller.SessionID != before.SessionID {
		return refuse(unauthorized, "the credentials have changed meanwhile: send the request again")
	}
	return c.mayUse()
}

// stillIn is again for a request that goes on. Trouble of the store is no refusal.
func (c *call) stillIn(ctx context.Context) bool {
	asking := *c
	asking.request, asking.ResponseWriter = c.request.WithContext(ctx), discarded{}
	err := asking.again()
	return err == nil || !isRefusal(err)
}

// isRefusal reports whether an error keeps the caller out.
func isRefusal(err error) bool {
	kind := translate(err).kind
	return kind.status == unauthorized.status || kind.status == forbidden.status
}

// discarded is the answer of one who only asks: its headers are nobody's.
type discarded struct{}

func (discarded) Header() http.Header         { return http.Header{} }
func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) WriteHeader(int)             {}
