package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

const selectPortalLink = `SELECT l.id, n.name, l.name, l.hash, l.read_only, l.expires, l.life, l.used, l.revoked
	FROM peal.portal_links l JOIN peal.tenants n ON n.num = l.tenant`

func scanPortalLink(rows pgx.Rows) (peal.PortalLink, error) {
	var link peal.PortalLink
	var hash []byte
	var expires, life, used, revoked int64
	err := rows.Scan((*[16]byte)(&link.ID), &link.Tenant, &link.Name, &hash, &link.ReadOnly, &expires, &life, &used, &revoked)
	link.ExpiresAt, link.SessionLife, link.UsedAt, link.RevokedAt = timeOf(expires), time.Duration(life)*time.Second, timeOf(used), timeOf(revoked)
	copy(link.Hash[:], hash)
	return link, err
}

// CreatePortalLink implements [peal.IdentityStore].
func (s *Store) CreatePortalLink(ctx context.Context, link peal.PortalLink) error {
	err := s.transact(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM peal.portal_links WHERE id IN (SELECT id FROM peal.portal_links WHERE expires < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
			micros(link.CreatedAt().Add(-endedLife)), endedBatch); err != nil {
			return err
		}
		tenant, err := t.ensureTenant(link.Tenant, micros(link.CreatedAt()))
		if err != nil {
			return err
		}
		if err := t.room(peal.QuotaPortalLinks, tenant, link.CreatedAt()); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO peal.portal_links (id, tenant, name, hash, read_only, expires, life, used, revoked)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`, uuid(link.ID), tenant, clean(link.Name), link.Hash[:], link.ReadOnly,
			micros(link.ExpiresAt), int64(link.SessionLife/time.Second), micros(link.UsedAt), micros(link.RevokedAt))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is such a portal link already")
		}
		return err
	})
	return translate("create a portal link", err)
}

// RedeemPortalLink implements [peal.IdentityStore].
func (s *Store) RedeemPortalLink(ctx context.Context, hash [32]byte, session peal.Session, at time.Time) (peal.Session, error) {
	redeemed := session
	err := s.transact(ctx, func(t *tx) error {
		var link peal.PortalLink
		if err := t.each(selectPortalLink+` WHERE l.hash = $1 AND l.used = 0 AND l.revoked = 0 AND l.expires > $2 FOR UPDATE OF l`, func(rows pgx.Rows) (err error) {
			link, err = scanPortalLink(rows)
			return err
		}, hash[:], micros(at)); err != nil {
			return err
		}
		if link.ID.IsZero() {
			return peal.Errorf(peal.NotFound, "the link was used already, or has expired")
		}
		if _, err := t.exec(`UPDATE peal.portal_links SET used = $2 WHERE id = $1`, uuid(link.ID), micros(at)); err != nil {
			return err
		}
		redeemed = session
		redeemed.PortalLinkID, redeemed.Name, redeemed.Tenant, redeemed.Role, redeemed.ExpiresAt = link.ID, link.Name, link.Tenant, link.Role(), at.Add(link.SessionLife)
		return t.addSession(&redeemed)
	})
	if err != nil {
		return peal.Session{}, translate("redeem a portal link", err)
	}
	return redeemed, nil
}

// PortalLinks implements [peal.IdentityStore].
func (s *Store) PortalLinks(ctx context.Context, tenant string, before peal.PortalLinkID, limit int) ([]peal.PortalLink, error) {
	var c conditions
	c.ofTenant("l.tenant", tenant)
	where, args := page(&c, "l.id", before, limit)
	var links []peal.PortalLink
	err := s.query(ctx, selectPortalLink+where, func(rows pgx.Rows) error {
		link, err := scanPortalLink(rows)
		links = append(links, link)
		return err
	}, args...)
	return links, translate("list portal links", err)
}

// RevokePortalLink implements [peal.IdentityStore].
func (s *Store) RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID, at time.Time) error {
	err := s.transact(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE peal.portal_links SET revoked = CASE revoked WHEN 0 THEN $2 ELSE revoked END
			WHERE id = $1 AND ($3::text = '' OR tenant = (SELECT num FROM peal.tenants WHERE name = $3))`, uuid(id), micros(at), clean(tenant))
		if err != nil {
			return err
		}
		if n == 0 {
			return peal.Errorf(peal.NotFound, "there is no such portal link")
		}
		_, err = t.exec(`UPDATE peal.sessions SET revoked = $2 WHERE link = $1 AND revoked = 0`, uuid(id), micros(at))
		return err
	})
	return translate("revoke a portal link", err)
}
