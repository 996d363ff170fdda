package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

const selectPortalLink = `SELECT l.id, n.name, l.name, l.hash, l.read_only, l.expires, l.life, l.used, l.revoked
	FROM portal_links l JOIN tenants n ON n.num = l.tenant`

func scanPortalLink(r row) peal.PortalLink {
	link := peal.PortalLink{
		ID: peal.PortalLinkID(r.blob(0)), Tenant: r.text(1), Name: r.text(2), ReadOnly: r.int(4) != 0, ExpiresAt: timeOf(r.int(5)),
		SessionLife: time.Duration(r.int(6)) * time.Second, UsedAt: timeOf(r.int(7)), RevokedAt: timeOf(r.int(8)),
	}
	copy(link.Hash[:], r.blob(3))
	return link
}

// CreatePortalLink implements [peal.IdentityStore].
func (s *Store) CreatePortalLink(ctx context.Context, link peal.PortalLink) error {
	readOnly := int64(0)
	if link.ReadOnly {
		readOnly = 1
	}
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		if _, err := w.conn.exec(`DELETE FROM portal_links WHERE id IN (SELECT id FROM portal_links WHERE expires < ? LIMIT +?)`,
			micros(link.CreatedAt().Add(-endedLife)), int64(endedBatch)); err != nil {
			return err
		}
		_, taken, err := w.conn.number(`SELECT 1 FROM portal_links WHERE id = ? OR hash = ?`, link.ID[:], link.Hash[:])
		if err != nil {
			return err
		}
		if taken {
			return refusef(peal.Conflict, "there is such a portal link already")
		}
		tenant, err := w.ensureTenant(link.Tenant, link.CreatedAt())
		if err != nil {
			return err
		}
		if err := s.room(w, peal.QuotaPortalLinks, tenant, link.CreatedAt()); err != nil {
			return err
		}
		_, err = w.conn.exec(`INSERT INTO portal_links (id, tenant, name, hash, read_only, expires, life, used, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			link.ID[:], tenant, link.Name, link.Hash[:], readOnly, micros(link.ExpiresAt), int64(link.SessionLife/time.Second), orNoTime(link.UsedAt), orNoTime(link.RevokedAt))
		return err
	}})
	return translate("create a portal link", err)
}

// RedeemPortalLink implements [peal.IdentityStore].
func (s *Store) RedeemPortalLink(ctx context.Context, hash [32]byte, session peal.Session, at time.Time) (peal.Session, error) {
	redeemed := session
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		var link peal.PortalLink
		found := false
		if err := w.conn.query(selectPortalLink+` WHERE l.hash = ? AND l.used IS NULL AND l.revoked IS NULL AND l.expires > ?`, func(r row) error {
			link, found = scanPortalLink(r), true
			return nil
		}, hash[:], micros(at)); err != nil {
			return err
		}
		if !found {
			return refusef(peal.NotFound, "the link was used already, or has expired")
		}
		if _, err := w.conn.exec(`UPDATE portal_links SET used = ? WHERE id = ?`, micros(at), link.ID[:]); err != nil {
			return err
		}
		redeemed = session
		redeemed.PortalLinkID, redeemed.Name, redeemed.Tenant, redeemed.Role, redeemed.ExpiresAt = link.ID, link.Name, link.Tenant, link.Role(), at.Add(link.SessionLife)
		return s.addSession(w, &redeemed)
	}})
	if err != nil {
		return peal.Session{}, translate("redeem a portal link", err)
	}
	return redeemed, nil
}

// PortalLinks implements [peal.IdentityStore].
func (s *Store) PortalLinks(ctx context.Context, tenant string, before peal.PortalLinkID, limit int) ([]peal.PortalLink, error) {
	var c conditions
	c.ofTenant("l.tenant", tenant)
	c.before("l.id", before.IsZero(), before[:])
	var links []peal.PortalLink
	err := s.query(ctx, selectPortalLink+c.text+` ORDER BY l.id DESC LIMIT +?`, func(r row) error {
		links = append(links, scanPortalLink(r))
		return nil
	}, append(c.values, int64(limit))...)
	return links, translate("list portal links", err)
}

// RevokePortalLink implements [peal.IdentityStore].
func (s *Store) RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		n, err := w.conn.exec(`UPDATE portal_links SET revoked = ifnull(revoked, ?)
			WHERE id = ? AND (?3 = '' OR tenant = (SELECT num FROM tenants WHERE name = ?3))`, micros(at), id[:], tenant)
		if err != nil {
			return err
		}
		if n == 0 {
			return refusef(peal.NotFound, "there is no such portal link")
		}
		_, err = w.conn.exec(`UPDATE sessions SET revoked = ? WHERE link = ? AND revoked IS NULL`, micros(at), id[:])
		return err
	}})
	return translate("revoke a portal link", err)
}
