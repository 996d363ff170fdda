package configstore

import (
	"context"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

var keys = table[peal.APIKey]{
	` FROM peal.keys k LEFT JOIN peal.tenants n ON n.num = k.tenant`,
	func(k *peal.APIKey) []Column {
		return []Column{
			Fixed("k.id", k.ID[:]), Text("n.name", &k.Tenant), Text("k.name", &k.Name),
			decoded("k.scopes", func(text string) error {
				k.Scopes = nil
				if text != "" {
					for scope := range strings.SplitSeq(text, ",") {
						k.Scopes = append(k.Scopes, peal.KeyScope(scope))
					}
				}
				return nil
			}),
			Fixed("k.hash", k.Hash[:]), Text("k.hint", &k.Hint), Time("k.revoked", &k.RevokedAt),
		}
	},
}

// CreateKey implements [storetest.KeyStore].
func (s *Store) CreateKey(ctx context.Context, key peal.APIKey) error {
	conflict := peal.Fail(peal.Conflict, message.KeyExists)
	scopes := make([]string, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = string(scope)
	}
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		_, taken, err := number(tx, `SELECT 1 FROM peal.keys WHERE hash = ?1 OR id = ?2`, key.Hash[:], ID(key.ID))
		if err != nil {
			return err
		}
		if taken {
			return conflict
		}
		num, tenant, err := tenantOrNull(tx, key.Tenant, key.CreatedAt())
		if err != nil {
			return err
		}
		if err := s.room(tx, peal.QuotaKeys, num, time.Now()); err != nil {
			return err
		}
		n, err := tx.Exec(`INSERT INTO peal.keys (id, tenant, name, scopes, hash, hint, revoked)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
			ID(key.ID), tenant, key.Name, strings.Join(scopes, ","), key.Hash[:], key.Hint, OptionalTime(key.RevokedAt))
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	return s.db.Translate("create a key", err)
}

// RevokeKey implements [storetest.KeyStore]. A key that is revoked already keeps its time.
func (s *Store) RevokeKey(ctx context.Context, tenant string, id peal.KeyID, at time.Time) error {
	n, err := s.db.Exec(ctx, Cost{Rows: 1}, `UPDATE peal.keys`+revoke, ID(id), tenant, at)
	if err == nil && n == 0 {
		err = peal.Fail(peal.NotFound, message.NoKeyOfID, id)
	}
	return s.db.Translate("revoke a key", err)
}

// KeyByHash implements [storetest.KeyStore].
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (peal.APIKey, error) {
	key, err := keys.one(s.db.Reader(ctx), peal.Fail(peal.NotFound, message.NoKey),
		` WHERE k.hash = ?1 AND k.revoked {none} AND coalesce(n.deleting, 0) = 0`, hash[:])
	return key, s.db.Translate("read a key", err)
}

// Keys implements [storetest.KeyStore].
func (s *Store) Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error) {
	w := where{text: ` WHERE k.tenant IS NULL`}
	if tenant != "" {
		w = where{}
		w.ofTenant("k.tenant", tenant)
	}
	rest, values := newest(&w, "k.id", before, limit)
	list, err := keys.list(s.db.Reader(ctx), rest, values...)
	return list, s.db.Translate("list keys", err)
}
