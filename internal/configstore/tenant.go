package configstore

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

var tenants = table[peal.Tenant]{
	` FROM peal.tenants`,
	func(t *peal.Tenant) []Column {
		return []Column{
			Text("name", &t.Name), Text("description", &t.Description), Text("format", &t.Format),
			decoded("retry_policy", func(text string) error {
				t.RetryPolicy = nil
				if text != "" {
					t.RetryPolicy = record.DecodePolicy([]byte(text))
				}
				return nil
			}),
			Time("created", &t.CreatedAt), Text("catalogue", &t.Catalogue), quotasColumn("quotas", &t.Quotas),
			Int("revision", &t.Revision),
			Time("deleting", &t.DeletingSince), // NULL and 0 both stand for none
		}
	},
}

// policyText returns a retry policy as a value, NULL for none.
func policyText(policy *peal.RetryPolicy) (any, error) {
	if policy == nil {
		return nil, nil
	}
	text, err := json.Marshal(policy)
	return string(text), err
}

// NoTenant is the error for a tenant that does not exist.
func NoTenant(name string) error {
	return peal.Fail(peal.NotFound, message.NoTenant, strconv.Quote(name))
}

// CreateTenant implements [storetest.TenantStore].
func (s *Store) CreateTenant(ctx context.Context, tenant peal.Tenant) error {
	conflict := peal.Fail(peal.Conflict, message.TenantExists, strconv.Quote(tenant.Name))
	policy, err := policyText(tenant.RetryPolicy)
	if err != nil {
		return s.db.Translate("create a tenant", err)
	}
	err = s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) error {
		deleting, taken, err := number(tx, `SELECT coalesce(deleting, 0) FROM peal.tenants WHERE name = ?1`, tenant.Name)
		switch {
		case err != nil:
			return err
		case deleting > 0:
			return peal.ErrTenantDeleted
		case taken:
			return conflict
		}
		n, err := tx.Exec(`INSERT INTO peal.tenants (name, description, format, retry_policy, created, catalogue, quotas)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
			tenant.Name, tenant.Description, tenant.Format, policy, tenant.CreatedAt, tenant.Catalogue,
			orNull(peal.EncodeQuotas(tenant.Quotas)))
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	return s.db.Translate("create a tenant", err)
}

// UpdateTenant implements [storetest.TenantStore].
func (s *Store) UpdateTenant(ctx context.Context, tenant peal.Tenant) error {
	policy, err := policyText(tenant.RetryPolicy)
	if err != nil {
		return s.db.Translate("update a tenant", err)
	}
	err = s.db.Change(ctx, Cost{Rows: 1, Routes: true}, func(tx Tx) error {
		stored, found, err := number(tx, `SELECT CASE WHEN coalesce(deleting, 0) = 0 THEN revision ELSE -1 END
			FROM peal.tenants WHERE name = ?1 [FOR UPDATE]`, tenant.Name)
		switch {
		case err != nil:
			return err
		case !found:
			return NoTenant(tenant.Name)
		case stored < 0:
			return peal.ErrTenantDeleted
		case stored != tenant.Revision:
			return peal.ErrRevision
		}
		if _, err := tx.Exec(`UPDATE peal.tenants
			SET description = ?2, format = ?3, retry_policy = ?4, catalogue = ?5, quotas = ?6,
				revision = revision + 1 WHERE name = ?1`,
			tenant.Name, tenant.Description, tenant.Format, policy, tenant.Catalogue,
			orNull(peal.EncodeQuotas(tenant.Quotas))); err != nil {
			return err
		}
		revision, err := tx.NewRoutes()
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE peal.webhooks SET revision = ?2
			WHERE NOT deleted AND tenant = (SELECT num FROM peal.tenants WHERE name = ?1)`,
			tenant.Name, revision)
		return err
	})
	return s.db.Translate("update a tenant", err)
}

// Tenant implements [peal.Store].
func (s *Store) Tenant(ctx context.Context, name string) (peal.Tenant, error) {
	tenant, err := tenants.one(s.db.Reader(ctx), NoTenant(name), ` WHERE name = ?1`, name)
	return tenant, s.db.Translate("read a tenant", err)
}

// Tenants implements [storetest.TenantStore].
func (s *Store) Tenants(ctx context.Context, after string, limit int) ([]peal.Tenant, error) {
	list, err := tenants.list(s.db.Reader(ctx), ` WHERE name > ?1 ORDER BY name LIMIT +?2`, after, limit)
	return list, s.db.Translate("list tenants", err)
}
