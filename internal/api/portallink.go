package api

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	managing "github.com/pealhq/peal/internal/manage"
)

// PortalLinkShape is a portal link without its token. It is exported because the OpenAPI document
// omits embedded unexported types.
type PortalLinkShape struct {
	ID             peal.PortalLinkID `json:"id"`
	Tenant         string            `json:"tenant"`
	Name           string            `json:"name" doc:"The person that it is for."`
	ReadOnly       bool              `json:"read_only" doc:"Whether its session is read-only."`
	SessionSeconds int               `json:"session_seconds" doc:"The duration of its session."`
	CreatedAt      string            `json:"created_at" format:"date-time"`
	ExpiresAt      string            `json:"expires_at" format:"date-time" doc:"When it stops working."`
	UsedAt         *string           `json:"used_at" format:"date-time" doc:"When it was opened; null until then."`
	RevokedAt      *string           `json:"revoked_at" format:"date-time" doc:"When it was revoked; null until then."`
}

type createdPortalLinkShape struct {
	PortalLinkShape
	URL string `json:"url" format:"uri" doc:"The link itself. Shown only once."`
}

type portalLinkInput struct {
	Name           given[string] `json:"name" minLength:"1" maxLength:"128" doc:"The person that it is for, as shown in the audit log and the list of sessions."`
	ReadOnly       given[bool]   `json:"read_only,omitempty" doc:"Makes its session read-only."`
	ExpiresSeconds given[int]    `json:"expires_seconds,omitempty" minimum:"60" maximum:"86400" doc:"How long it works; 300 if absent."`
	SessionSeconds given[int]    `json:"session_seconds,omitempty" minimum:"60" maximum:"86400" doc:"The duration of its session; 3600 if absent."`
}

func portalLinkOf(l *peal.PortalLink) PortalLinkShape {
	return PortalLinkShape{
		ID: l.ID, Tenant: l.Tenant, Name: l.Name, ReadOnly: l.ReadOnly, SessionSeconds: int(l.SessionLife / time.Second),
		CreatedAt: timeText(l.CreatedAt()), ExpiresAt: timeText(l.ExpiresAt), UsedAt: timeOrNil(l.UsedAt),
		RevokedAt: timeOrNil(l.RevokedAt),
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
	link, token, err := a.links.Create(c.context(), c.actor(), managing.NewPortalLink{
		Tenant: c.tenant, Name: in.Name.Value, ReadOnly: in.ReadOnly.Value, Life: secondsOrNil(in.ExpiresSeconds),
		SessionLife: secondsOrNil(in.SessionSeconds),
	})
	if err != nil {
		return err
	}
	return c.json(201, createdPortalLinkShape{portalLinkOf(&link), a.Identity.URL(c.request, identity.PortalPath(token))})
}

// secondsOrNil returns the given number of seconds; nil if absent.
func secondsOrNil(given given[int]) *time.Duration {
	if !given.Given {
		return nil
	}
	return ptr(time.Duration(given.Value) * time.Second)
}

func (a *API) revokePortalLink(c *call) error {
	id, err := pathID(c, peal.ParsePortalLinkID, "portal link")
	if err != nil {
		return err
	}
	if err := a.links.Revoke(c.context(), c.actor(), c.tenantOrAll(), id); err != nil {
		return orMissing(err, "portal link")
	}
	return c.empty()
}
