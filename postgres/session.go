package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// How long sessions and portal links are remembered once they have ended, and how
// many of those that are forgotten go with a new one.
const (
	endedLife  = 30 * 24 * time.Hour
	endedBatch = 100
)

const selectSession = `SELECT s.id, s.kind, s.hash, s."user", s.link, s.name, coalesce(n.name, ''), s.role, s.expires, s.revoked, s.address, s.agent
	FROM peal.sessions s LEFT JOIN peal.tenants n ON n.num = s.tenant`

func scanSession(rows pgx.Rows) (peal.Session, error) {
	var s peal.Session
	var kind, role string
	var hash []byte
	var user, link *[16]byte
	var expires, revoked int64
	if err := rows.Scan((*[16]byte)(&s.ID), &kind, &hash, &user, &link, &s.Name, &s.Tenant, &role, &expires, &revoked, &s.Address, &s.Agent); err != nil {
		return s, err
	}
	s.Kind, s.Role, s.ExpiresAt, s.RevokedAt = peal.SessionKind(kind), peal.Role(role), timeOf(expires), timeOf(revoked)
	copy(s.Hash[:], hash)
	if user != nil {
		s.UserID = *user
	}
	if link != nil {
		s.PortalLinkID = *link
	}
	return s, nil
}

// CreateSession implements [peal.IdentityStore].
func (s *Store) CreateSession(ctx context.Context, session peal.Session) error {
	err := s.transact(ctx, func(t *tx) error {
		if !session.UserID.IsZero() {
			var one int
			found, err := t.one(`SELECT 1 FROM peal.users WHERE id = $1 FOR SHARE`, []any{uuid(session.UserID)}, &one)
			if err != nil {
				return err
			}
			if !found {
				return noUser()
			}
		}
		return t.addSession(&session)
	})
	return translate("create a session", err)
}

func (t *tx) addSession(session *peal.Session) error {
	forget := micros(session.CreatedAt().Add(-endedLife))
	for _, ended := range []string{`expires < $1`, `revoked > 0 AND revoked < $1`} {
		if _, err := t.exec(`DELETE FROM peal.sessions WHERE id IN (SELECT id FROM peal.sessions WHERE `+ended+` LIMIT $2 FOR UPDATE SKIP LOCKED)`, forget, endedBatch); err != nil {
			return err
		}
	}
	tenant, err := t.tenantOrNull(session.Tenant, session.CreatedAt())
	if err != nil {
		return err
	}
	if err := t.roomForSession(session, tenant.Int32); err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO peal.sessions (id, kind, hash, "user", link, name, tenant, role, expires, revoked, address, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		uuid(session.ID), string(session.Kind), session.Hash[:], orNoID(session.UserID), orNoID(session.PortalLinkID), clean(session.Name), tenant,
		string(session.Role), micros(session.ExpiresAt), micros(session.RevokedAt), clean(session.Address), clean(session.Agent))
	return err
}

// SessionByHash implements [peal.IdentityStore].
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (peal.Session, error) {
	sessions, err := s.sessions(ctx, ` WHERE s.hash = $1 AND s.revoked = 0 AND s.expires > $2 AND coalesce(n.deleting, 0) = 0`, hash[:], micros(now))
	if err == nil && len(sessions) == 0 {
		err = peal.Errorf(peal.NotFound, "there is no such session")
	}
	if err != nil {
		return peal.Session{}, translate("read a session", err)
	}
	return sessions[0], nil
}

// Sessions implements [peal.IdentityStore].
func (s *Store) Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error) {
	var c conditions
	c.ofTenant("s.tenant", query.Tenant)
	if !query.UserID.IsZero() {
		c.add(`s."user" = `, uuid(query.UserID), ``)
	}
	where, args := page(&c, "s.id", query.Before, query.Limit)
	sessions, err := s.sessions(ctx, where, args...)
	return sessions, translate("list sessions", err)
}

func (s *Store) sessions(ctx context.Context, where string, args ...any) ([]peal.Session, error) {
	var sessions []peal.Session
	err := s.query(ctx, selectSession+where, func(rows pgx.Rows) error {
		session, err := scanSession(rows)
		sessions = append(sessions, session)
		return err
	}, args...)
	return sessions, err
}

// RevokeSession implements [peal.IdentityStore].
func (s *Store) RevokeSession(ctx context.Context, tenant string, id peal.SessionID, at time.Time) error {
	n, err := s.exec(ctx, `UPDATE peal.sessions SET revoked = CASE revoked WHEN 0 THEN $2 ELSE revoked END
		WHERE id = $1 AND ($3::text = '' OR tenant = (SELECT num FROM peal.tenants WHERE name = $3))`, uuid(id), micros(at), clean(tenant))
	if err == nil && n == 0 {
		err = peal.Errorf(peal.NotFound, "there is no such session")
	}
	return translate("revoke a session", err)
}

// RevokeSessions implements [peal.IdentityStore].
func (s *Store) RevokeSessions(ctx context.Context, user peal.UserID, at time.Time) (int, error) {
	var revoked int64
	err := s.transact(ctx, func(t *tx) (err error) {
		revoked, err = t.revokeSessions(user, at)
		return err
	})
	return int(revoked), translate("revoke sessions", err)
}

func (t *tx) revokeSessions(user peal.UserID, at time.Time) (int64, error) {
	return t.exec(`UPDATE peal.sessions SET revoked = $2 WHERE "user" = $1 AND revoked = 0 AND expires > $2`, uuid(user), micros(at))
}
