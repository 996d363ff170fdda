package api

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// PortalLinkShape is a portal link without its token. It has a capital because the
// document leaves out what is embedded under a small one.
type PortalLinkShape struct {
	ID             peal.PortalLinkID `json:"id"`
	Tenant         string            `json:"tenant"`
	Name           string            `json:"name" doc:"Who it is for."`
	ReadOnly       bool              `json:"read_only" doc:"Whether its session may only look."`
	SessionSeconds int               `json:"session_seconds" doc:"How long its session lasts."`
	CreatedAt      string            `json:"created_at" format:"date-time"`
	ExpiresAt      string            `json:"expires_at" format:"date-time" doc:"When it can be followed no more."`
	UsedAt         *string           `json:"used_at" format:"date-time" doc:"When it was followed; null until then."`
	RevokedAt      *string           `json:"revoked_at" format:"date-time" doc:"When it was taken back; null until then."`
}

type createdPortalLinkShape struct {
	PortalLinkShape
	URL string `json:"url" format:"uri" doc:"Where it leads. Shown this once."`
}

type portalLinkInput struct {
	Name           given[string] `json:"name" minLength:"1" maxLength:"128" doc:"Who it is for, as the audit log and the list of sessions show it."`
	ReadOnly       given[bool]   `json:"read_only,omitempty" doc:"Lets its session only look."`
	ExpiresSeconds given[int]    `json:"expires_seconds,omitempty" minimum:"60" maximum:"86400" doc:"How long it can be followed; 300 when absent."`
	SessionSeconds given[int]    `json:"session_seconds,omitempty" minimum:"60" maximum:"86400" doc:"How long its session lasts; 3600 when absent."`
}

func portalLinkOf(l *peal.PortalLink) PortalLinkShape {
	return PortalLinkShape{
		ID: l.ID, Tenant: l.Tenant, Name: l.Name, ReadOnly: l.ReadOnly, SessionSeconds: int(l.SessionLife / time.Second),
		CreatedAt: timeText(l.CreatedAt()), ExpiresAt: timeText(l.ExpiresAt), UsedAt: timeOrNil(l.UsedAt), RevokedAt: timeOrNil(l.RevokedAt),
	}
}

func (a *API) listPortalLinks(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(linkList)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParsePortalLinkID)
	if err != nil {
		return err
	}
	rows, err := a.Store.PortalLinks(c.context(), c.tenantOrAll(), before, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(linkList, rows, limit, portalLinkOf, func(l *peal.PortalLink) string { return l.ID.String() }))
}

func (a *API) createPortalLink(c *call) error {
	var in portalLinkInput
	if err := c.read(&in); err != nil {
		return err
	}
	for _, given := range []struct {
		name  string
		given given[int]
	}{{"expires_seconds", in.ExpiresSeconds}, {"session_seconds", in.SessionSeconds}} {
		if v := given.given; v.Given && (v.Value < int(peal.MinPortalLife.Seconds()) || v.Value > int(peal.MaxPortalLife.Seconds())) {
			return peal.Invalidf(given.name, "must be from %d to %d", int(peal.MinPortalLife.Seconds()), int(peal.MaxPortalLife.Seconds()))
		}
	}
	link, token, err := a.Identity.CreatePortalLink(c.context(), identity.NewPortalLink{
		Tenant: c.tenant, Name: in.Name.Value, ReadOnly: in.ReadOnly.Value,
		Life: time.Duration(in.ExpiresSeconds.Value) * time.Second, SessionLife: time.Duration(in.SessionSeconds.Value) * time.Second,
	})
	if err != nil {
		return err
	}
	c.about(link.Tenant, link.ID.String())
	c.audit.detail = link.Name
	return c.json(201, createdPortalLinkShape{portalLinkOf(&link), a.Identity.URL(c.request, identity.PortalPath(token))})
}

func (a *API) revokePortalLink(c *call) error {
	id, err := pathID(c, peal.ParsePortalLinkID, "portal link")
	if err != nil {
		return err
	}
	if err := a.Store.RevokePortalLink(c.context(), c.tenantOrAll(), id, now()); err != nil {
		return orMissing(err, "portal link")
	}
	c.about(c.tenantOrAll(), id.String())
	return c.empty()
}
