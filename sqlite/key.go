package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

const selectKey = `SELECT k.id, ifnull(n.name, ''), k.name, k.scopes, k.hash, k.hint, k.revoked
	FROM keys k LEFT JOIN tenants n ON n.num = k.tenant`

func scanKey(r row) peal.APIKey {
	k := peal.APIKey{ID: peal.KeyID(r.blob(0)), Tenant: r.text(1), Name: r.text(2), Hint: r.text(5), RevokedAt: timeOf(r.int(6))}
	if r.text(3) != "" {
		for scope := range strings.SplitSeq(r.text(3), ",") {
			k.Scopes = append(k.Scopes, peal.KeyScope(scope))
		}
	}
	copy(k.Hash[:], r.blob(4))
	return k
}

// CreateKey implements [peal.ConfigStore].
func (s *Store) CreateKey(ctx context.Context, key peal.APIKey) error {
	scopes := make([]string, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = string(scope)
	}
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		_, taken, err := w.conn.number(`SELECT 1 FROM keys WHERE hash = ? OR id = ?`, key.Hash[:], key.ID[:])
		if err != nil {
			return err
		}
		if taken {
			return refusef(peal.Conflict, "there is such a key already")
		}
		var tenant any
		if key.Tenant != "" {
			num, err := w.ensureTenant(key.Tenant, key.CreatedAt())
			if err != nil {
				return err
			}
			if err := s.room(w, peal.QuotaKeys, num, time.Now()); err != nil {
				return err
			}
			tenant = num
		}
		_, err = w.conn.exec(`INSERT INTO keys (id, tenant, name, scopes, hash, hint, revoked) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			key.ID[:], tenant, key.Name, strings.Join(scopes, ","), key.Hash[:], key.Hint, orNoTime(key.RevokedAt))
		return err
	}})
	return translate("create a key", err)
}

// RevokeKey implements [peal.ConfigStore]. A key that is revoked already keeps its moment.
func (s *Store) RevokeKey(ctx context.Context, tenant string, id peal.KeyID, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`UPDATE keys SET revoked = ifnull(revoked, ?)
			WHERE id = ? AND (?3 = '' OR tenant = (SELECT num FROM tenants WHERE name = ?3))`, micros(at), id[:], tenant)
		if err == nil && n == 0 {
			return refusef(peal.NotFound, "there is no key %s", id)
		}
		return err
	}})
	return translate("revoke a key", err)
}

// KeyByHash implements [peal.ConfigStore].
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (peal.APIKey, error) {
	var key peal.APIKey
	found := false
	err := s.query(ctx, selectKey+` WHERE k.hash = ? AND k.revoked IS NULL AND coalesce(n.deleting, 0) = 0`, func(r row) error {
		key, found = scanKey(r), true
		return nil
	}, hash[:])
	if err == nil && !found {
		err = peal.Errorf(peal.NotFound, "there is no such key")
	}
	return key, translate("read a key", err)
}

// Keys implements [peal.ConfigStore].
func (s *Store) Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error) {
	where, values := ` WHERE k.tenant IS NULL`, []any{}
	if tenant != "" {
		where, values = ` WHERE k.tenant = (SELECT num FROM tenants WHERE name = ?)`, []any{tenant}
	}
	if !before.IsZero() {
		where, values = where+` AND k.id < ?`, append(values, before[:])
	}
	var keys []peal.APIKey
	err := s.query(ctx, selectKey+where+` ORDER BY k.id DESC LIMIT +?`, func(r row) error {
		keys = append(keys, scanKey(r))
		return nil
	}, append(values, int64(limit))...)
	return keys, translate("list keys", err)
}
