package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// endedBatch limits the rows that one change deletes because of their age, of each kind.
const endedBatch = 100

var sessions = table[peal.Session]{
	` FROM peal.sessions s LEFT JOIN peal.tenants n ON n.num = s.tenant`,
	func(s *peal.Session) []Column {
		return []Column{
			Fixed("s.id", s.ID[:]), Text("s.kind", &s.Kind), Fixed("s.hash", s.Hash[:]), Fixed(`s."user"`, s.UserID[:]),
			Fixed("s.link", s.PortalLinkID[:]), Text("s.name", &s.Name), Text("n.name", &s.Tenant), Text("s.role", &s.Role),
			Time("s.expires", &s.ExpiresAt), Time("s.revoked", &s.RevokedAt),
			Text("s.address", &s.Address), Text("s.agent", &s.Agent),
		}
	},
}

// CreateSession implements [storetest.IdentityStore].
func (s *Store) CreateSession(ctx context.Context, session peal.Session) error {
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		if !session.UserID.IsZero() {
			_, found, err := number(tx, `SELECT 1 FROM peal.users WHERE id = ?1 [FOR SHARE]`, ID(session.UserID))
			if err != nil {
				return err
			}
			if !found {
				return noUser()
			}
		}
		return s.addSession(tx, &session)
	})
	return s.db.Translate("create a session", err)
}

func (s *Store) addSession(tx Tx, session *peal.Session) error {
	num, tenant, err := tenantOrNull(tx, session.Tenant, session.CreatedAt())
	if err != nil {
		return err
	}
	if err := s.roomForSession(tx, session, num); err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO peal.sessions
		(id, kind, hash, "user", link, name, tenant, role, expires, revoked, address, agent)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,
		ID(session.ID), string(session.Kind), session.Hash[:], orNoID(session.UserID), orNoID(session.PortalLinkID),
		session.Name, tenant, string(session.Role), session.ExpiresAt, OptionalTime(session.RevokedAt),
		session.Address, session.Agent)
	return err
}

// SessionByHash implements [storetest.IdentityStore].
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (peal.Session, error) {
	session, err := sessions.one(s.db.Reader(ctx), peal.Fail(peal.NotFound, message.NoSession),
		` WHERE s.hash = ?1 AND s.revoked {none} AND s.expires > ?2 AND coalesce(n.deleting, 0) = 0`, hash[:], now)
	return session, s.db.Translate("read a session", err)
}

// Sessions implements [storetest.IdentityStore].
func (s *Store) Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error) {
	var w where
	w.ofTenant("s.tenant", query.Tenant)
	if !query.UserID.IsZero() {
		w.add(`s."user" = ?`, ID(query.UserID))
	}
	rest, values := newest(&w, "s.id", query.Before, query.Limit)
	list, err := sessions.list(s.db.Reader(ctx), rest, values...)
	return list, s.db.Translate("list sessions", err)
}

// revoke sets the end of a row, unless it has one.
const revoke = ` SET revoked = CASE WHEN revoked {none} THEN ?3 ELSE revoked END WHERE id = ?1` + ofTenant

// RevokeSession implements [storetest.IdentityStore].
func (s *Store) RevokeSession(ctx context.Context, tenant string, id peal.SessionID, at time.Time) error {
	n, err := s.db.Exec(ctx, Cost{Rows: 1}, `UPDATE peal.sessions`+revoke, ID(id), tenant, at)
	if err == nil && n == 0 {
		err = peal.Fail(peal.NotFound, message.NoSession)
	}
	return s.db.Translate("revoke a session", err)
}

// RevokeSessions implements [storetest.IdentityStore].
func (s *Store) RevokeSessions(ctx context.Context, user peal.UserID, at time.Time) (int, error) {
	var revoked int64
	err := s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) (err error) {
		revoked, err = revokeSessions(tx, user, at)
		return err
	})
	return int(revoked), s.db.Translate("revoke sessions", err)
}

func revokeSessions(tx Tx, user peal.UserID, at time.Time) (int64, error) {
	return tx.Exec(`UPDATE peal.sessions SET revoked = ?2 WHERE "user" = ?1 AND revoked {none} AND expires > ?2`,
		ID(user), at)
}

// ended selects the sessions and portal links that ended before the time ?1.
var ended = []struct {
	table, where string
	count        func(*peal.PurgeResult) *int
}{
	{"peal.sessions", `expires < ?1`, func(p *peal.PurgeResult) *int { return &p.Sessions }},
	{"peal.sessions", `revoked {some} AND revoked < ?1`, func(p *peal.PurgeResult) *int { return &p.Sessions }},
	{"peal.portal_links", `expires < ?1`, func(p *peal.PurgeResult) *int { return &p.PortalLinks }},
}

// PurgeEnded does one batch of a purge: it deletes sessions and portal links that ended before a
// time, and counts them in purged. did reports whether there were any.
func PurgeEnded(ctx context.Context, s *Store, before time.Time, purged *peal.PurgeResult) (did bool, err error) {
	for _, e := range ended {
		_, found, err := number(s.db.Reader(ctx), `SELECT 1 FROM `+e.table+` WHERE `+e.where+` LIMIT 1`, before)
		if err != nil {
			return false, err
		}
		did = did || found
	}
	if !did {
		return false, nil
	}
	return true, s.db.Change(ctx, Cost{Rows: len(ended) * endedBatch}, func(tx Tx) error {
		purged.Sessions, purged.PortalLinks = 0, 0
		for _, e := range ended {
			n, err := tx.Exec(`DELETE FROM `+e.table+` WHERE id IN (
				SELECT id FROM `+e.table+` WHERE `+e.where+` LIMIT +?2 [FOR UPDATE SKIP LOCKED])`, before, endedBatch)
			if err != nil {
				return err
			}
			*e.count(purged) += int(n)
		}
		return nil
	})
}
