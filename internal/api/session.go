package api

import "github.com/pealhq/peal"

type sessionShape struct {
	ID        peal.SessionID `json:"id"`
	Kind      string         `json:"kind" enum:"user,portal,first_run" doc:"Who it is: a user, somebody who followed a portal link, or the operator of the first start."`
	UserID    *string        `json:"user_id" doc:"The user; null for other kinds."`
	LinkID    *string        `json:"portal_link_id" doc:"The portal link; null for other kinds."`
	Name      string         `json:"name" doc:"The name of the user or of the link."`
	Tenant    *string        `json:"tenant" doc:"The only tenant that it sees; null for every tenant."`
	Role      string         `json:"role" enum:"owner,editor,viewer"`
	Address   string         `json:"address" doc:"The IP address that it began from."`
	Agent     string         `json:"agent" doc:"What the browser said it is."`
	CreatedAt string         `json:"created_at" format:"date-time"`
	ExpiresAt string         `json:"expires_at" format:"date-time" doc:"When it ends by itself."`
	RevokedAt *string        `json:"revoked_at" format:"date-time" doc:"When somebody ended it; null until then."`
}

func sessionOf(s *peal.Session) sessionShape {
	return sessionShape{
		ID: s.ID, Kind: string(s.Kind), UserID: textOrNil(s.UserID.String()), LinkID: textOrNil(s.PortalLinkID.String()), Name: s.Name,
		Tenant: textOrNil(s.Tenant), Role: string(s.Role), Address: s.Address, Agent: s.Agent,
		CreatedAt: timeText(s.CreatedAt()), ExpiresAt: timeText(s.ExpiresAt), RevokedAt: timeOrNil(s.RevokedAt),
	}
}

func (a *API) listSessions(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(sessionList)
	user := parsed(q, "user", peal.ParseUserID)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParseSessionID)
	if err != nil {
		return err
	}
	rows, err := a.Store.Sessions(c.context(), peal.SessionQuery{Tenant: c.tenantOrAll(), UserID: user, Before: before, Limit: limit + 1})
	if err != nil {
		return err
	}
	return c.json(200, page(sessionList, rows, limit, sessionOf, func(s *peal.Session) string { return s.ID.String() }))
}

func (a *API) revokeSession(c *call) error {
	id, err := pathID(c, peal.ParseSessionID, "session")
	if err != nil {
		return err
	}
	if err := a.Identity.Revoke(c.context(), c.tenantOrAll(), id); err != nil {
		return orMissing(err, "session")
	}
	c.about(c.tenantOrAll(), id.String())
	return c.empty()
}
