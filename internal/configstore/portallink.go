package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// portalLinks reads links with the life of their sessions in seconds.
var portalLinks = table[peal.PortalLink]{
	` FROM peal.portal_links l JOIN peal.tenants n ON n.num = l.tenant`,
	func(l *peal.PortalLink) []Column {
		life := Int("l.life", &l.SessionLife)
		return []Column{
			Fixed("l.id", l.ID[:]), Text("n.name", &l.Tenant), Text("l.name", &l.Name), Fixed("l.hash", l.Hash[:]),
			Flag("l.read_only", &l.ReadOnly), Time("l.expires", &l.ExpiresAt), {life.Name, func(value any) error {
				err := life.Set(value)
				l.SessionLife *= time.Second
				return err
			}}, Time("l.used", &l.UsedAt), Time("l.revoked", &l.RevokedAt),
		}
	},
}

// CreatePortalLink implements [storetest.IdentityStore].
func (s *Store) CreatePortalLink(ctx context.Context, link peal.PortalLink) error {
	conflict := peal.Fail(peal.Conflict, message.PortalLinkExists)
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		_, taken, err := number(tx, `SELECT 1 FROM peal.portal_links WHERE id = ?1 OR hash = ?2`, ID(link.ID), link.Hash[:])
		if err != nil {
			return err
		}
		if taken {
			return conflict
		}
		tenant, err := tx.EnsureTenant(link.Tenant, link.CreatedAt())
		if err != nil {
			return err
		}
		if err := s.room(tx, peal.QuotaPortalLinks, tenant, link.CreatedAt()); err != nil {
			return err
		}
		n, err := tx.Exec(`INSERT INTO peal.portal_links (id, tenant, name, hash, read_only, expires, life, used, revoked)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING`,
			ID(link.ID), tenant, link.Name, link.Hash[:], link.ReadOnly,
			link.ExpiresAt, int64(link.SessionLife/time.Second), OptionalTime(link.UsedAt), OptionalTime(link.RevokedAt))
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	return s.db.Translate("create a portal link", err)
}

// RedeemPortalLink implements [storetest.IdentityStore].
func (s *Store) RedeemPortalLink(
	ctx context.Context, hash [32]byte, session peal.Session, at time.Time,
) (peal.Session, error) {
	redeemed := session
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		link, err := portalLinks.one(tx, peal.Fail(peal.NotFound, message.LinkUsed),
			` WHERE l.hash = ?1 AND l.used {none} AND l.revoked {none} AND l.expires > ?2 [FOR UPDATE OF l]`, hash[:], at)
		if err != nil {
			return err
		}
		redeemed = session
		redeemed.PortalLinkID, redeemed.Name, redeemed.Tenant = link.ID, link.Name, link.Tenant
		redeemed.Role, redeemed.ExpiresAt = link.Role(), at.Add(link.SessionLife)
		if err := s.addSession(tx, &redeemed); err != nil { // first: a quota may refuse it
			return err
		}
		_, err = tx.Exec(`UPDATE peal.portal_links SET used = ?2 WHERE id = ?1`, ID(link.ID), at)
		return err
	})
	if err != nil {
		return peal.Session{}, s.db.Translate("redeem a portal link", err)
	}
	return redeemed, nil
}

// PortalLinks implements [storetest.IdentityStore].
func (s *Store) PortalLinks(
	ctx context.Context, tenant string, before peal.PortalLinkID, limit int,
) ([]peal.PortalLink, error) {
	var w where
	w.ofTenant("l.tenant", tenant)
	rest, values := newest(&w, "l.id", before, limit)
	list, err := portalLinks.list(s.db.Reader(ctx), rest, values...)
	return list, s.db.Translate("list portal links", err)
}

// RevokePortalLink implements [storetest.IdentityStore].
func (s *Store) RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID, at time.Time) error {
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		n, err := tx.Exec(`UPDATE peal.portal_links`+revoke, ID(id), tenant, at)
		if err != nil {
			return err
		}
		if n == 0 {
			return peal.Fail(peal.NotFound, message.NoPortalLink)
		}
		_, err = tx.Exec(`UPDATE peal.sessions SET revoked = ?2 WHERE link = ?1 AND revoked {none}`, ID(id), at)
		return err
	})
	return s.db.Translate("revoke a portal link", err)
}
