package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
)

const selectKey = `SELECT k.id, coalesce(n.name, ''), k.name, k.scopes, k.hash, k.hint, k.revoked
	FROM peal.keys k LEFT JOIN peal.tenants n ON n.num = k.tenant`

func scanKey(rows pgx.Rows) (peal.APIKey, error) {
	var k peal.APIKey
	var scopes string
	var hash []byte
	var revoked int64
	if err := rows.Scan((*[16]byte)(&k.ID), &k.Tenant, &k.Name, &scopes, &hash, &k.Hint, &revoked); err != nil {
		return k, err
	}
	if scopes != "" {
		for scope := range strings.SplitSeq(scopes, ",") {
			k.Scopes = append(k.Scopes, peal.KeyScope(scope))
		}
	}
	copy(k.Hash[:], hash)
	k.RevokedAt = timeOf(revoked)
	return k, nil
}

// CreateKey implements [peal.ConfigStore].
func (s *Store) CreateKey(ctx context.Context, key peal.APIKey) error {
	scopes := make([]string, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = string(scope)
	}
	err := s.transact(ctx, func(t *tx) error {
		var tenant pgtype.Int4
		if key.Tenant != "" {
			num, err := t.ensureTenant(key.Tenant, micros(key.CreatedAt()))
			if err != nil {
				return err
			}
			if err := t.room(peal.QuotaKeys, num, time.Now()); err != nil {
				return err
			}
			tenant = pgtype.Int4{Int32: num, Valid: true}
		}
		n, err := t.exec(`INSERT INTO peal.keys (id, tenant, name, scopes, hash, hint, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			uuid(key.ID), tenant, clean(key.Name), strings.Join(scopes, ","), key.Hash[:], key.Hint, micros(key.RevokedAt))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is such a key already")
		}
		return err
	})
	return translate("create a key", err)
}

// RevokeKey implements [peal.ConfigStore]. A key that is revoked already keeps its moment.
func (s *Store) RevokeKey(ctx context.Context, tenant string, id peal.KeyID, at time.Time) error {
	n, err := s.exec(ctx, `UPDATE peal.keys SET revoked = CASE revoked WHEN 0 THEN $2 ELSE revoked END
		WHERE id = $1 AND ($3::text = '' OR tenant = (SELECT num FROM peal.tenants WHERE name = $3))`, uuid(id), micros(at), clean(tenant))
	if err == nil && n == 0 {
		err = peal.Errorf(peal.NotFound, "there is no key %s", id)
	}
	return translate("revoke a key", err)
}

// KeyByHash implements [peal.ConfigStore].
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (peal.APIKey, error) {
	keys, err := s.keys(ctx, ` WHERE k.hash = $1 AND k.revoked = 0 AND coalesce(n.deleting, 0) = 0`, hash[:])
	if err == nil && len(keys) == 0 {
		err = peal.Errorf(peal.NotFound, "there is no such key")
	}
	if err != nil {
		return peal.APIKey{}, translate("read a key", err)
	}
	return keys[0], nil
}

// Keys implements [peal.ConfigStore].
func (s *Store) Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error) {
	keys, err := s.keys(ctx, ` WHERE ($1::text = '' AND k.tenant IS NULL OR k.tenant = (SELECT num FROM peal.tenants WHERE name = $1)) AND ($2::uuid IS NULL OR k.id < $2)
		ORDER BY k.id DESC LIMIT $3`, clean(tenant), orNoID(before), limit)
	return keys, translate("list keys", err)
}

func (s *Store) keys(ctx context.Context, where string, args ...any) ([]peal.APIKey, error) {
	var keys []peal.APIKey
	err := s.query(ctx, selectKey+where, func(rows pgx.Rows) error {
		key, err := scanKey(rows)
		keys = append(keys, key)
		return err
	}, args...)
	return keys, err
}
