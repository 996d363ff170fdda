package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const selectTenant = `SELECT name, description, format, retry_policy, created, catalogue, coalesce(quotas, ''), revision, coalesce(deleting, 0) FROM peal.tenants`

func scanTenant(rows pgx.Rows) (peal.Tenant, error) {
	var t peal.Tenant
	var policy *string
	var created, deleting int64
	var quotas string
	err := rows.Scan(&t.Name, &t.Description, &t.Format, &policy, &created, &t.Catalogue, &quotas, &t.Revision, &deleting)
	if err == nil {
		t.Quotas, err = peal.DecodeQuotas(quotas)
	}
	if err != nil {
		return t, err
	}
	t.CreatedAt = timeOf(created)
	if deleting != 0 {
		t.DeletingSince = timeOf(deleting)
	}
	if policy != nil {
		t.RetryPolicy = record.DecodePolicy([]byte(*policy))
	}
	return t, nil
}

func policyText(policy *peal.RetryPolicy) (pgtype.Text, error) {
	if policy == nil {
		return pgtype.Text{}, nil
	}
	text, err := json.Marshal(policy)
	return orNull(string(text)), err
}

func noTenant(name string) error {
	return peal.Errorf(peal.NotFound, "there is no tenant %q", name)
}

// CreateTenant implements [peal.ConfigStore].
func (s *Store) CreateTenant(ctx context.Context, tenant peal.Tenant) error {
	policy, err := policyText(tenant.RetryPolicy)
	if err == nil {
		var n int64
		n, err = s.exec(ctx, `INSERT INTO peal.tenants (name, description, format, retry_policy, created, catalogue, quotas) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			tenant.Name, clean(tenant.Description), tenant.Format, policy, micros(tenant.CreatedAt), clean(tenant.Catalogue), orNull(peal.EncodeQuotas(tenant.Quotas)))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is a tenant %q already", tenant.Name)
		}
	}
	return translate("create a tenant", err)
}

// UpdateTenant implements [peal.ConfigStore].
func (s *Store) UpdateTenant(ctx context.Context, tenant peal.Tenant) error {
	policy, err := policyText(tenant.RetryPolicy)
	if err != nil {
		return translate("update a tenant", err)
	}
	err = s.changeRoutes(ctx, func(t *tx, revision int64) error {
		var stored int64
		found, err := t.one(`SELECT CASE WHEN coalesce(deleting, 0) = 0 THEN revision ELSE -1 END FROM peal.tenants WHERE name = $1 FOR UPDATE`, []any{tenant.Name}, &stored)
		switch {
		case err != nil:
			return err
		case !found:
			return noTenant(tenant.Name)
		case stored < 0:
			return peal.ErrTenantDeleted
		case stored != tenant.Revision:
			return peal.ErrRevision
		}
		if _, err := t.exec(`UPDATE peal.tenants SET description = $2, format = $3, retry_policy = $4, catalogue = $5, quotas = $6, revision = revision + 1 WHERE name = $1`,
			tenant.Name, clean(tenant.Description), tenant.Format, policy, clean(tenant.Catalogue), orNull(peal.EncodeQuotas(tenant.Quotas))); err != nil {
			return err
		}
		_, err = t.exec(`UPDATE peal.webhooks SET revision = $2 WHERE NOT deleted AND tenant = (SELECT num FROM peal.tenants WHERE name = $1)`, tenant.Name, revision)
		return err
	})
	return translate("update a tenant", err)
}

// Tenant implements [peal.ConfigStore].
func (s *Store) Tenant(ctx context.Context, name string) (peal.Tenant, error) {
	tenants, err := s.tenants(ctx, ` WHERE name = $1`, clean(name))
	if err == nil && len(tenants) == 0 {
		err = noTenant(name)
	}
	if err != nil {
		return peal.Tenant{}, translate("read a tenant", err)
	}
	return tenants[0], nil
}

// Tenants implements [peal.ConfigStore].
func (s *Store) Tenants(ctx context.Context, after string, limit int) ([]peal.Tenant, error) {
	tenants, err := s.tenants(ctx, ` WHERE name > $1 ORDER BY name LIMIT $2`, clean(after), limit)
	return tenants, translate("list tenants", err)
}

func (s *Store) tenants(ctx context.Context, where string, args ...any) ([]peal.Tenant, error) {
	var tenants []peal.Tenant
	err := s.query(ctx, selectTenant+where, func(rows pgx.Rows) error {
		tenant, err := scanTenant(rows)
		tenants = append(tenants, tenant)
		return err
	}, args...)
	return tenants, err
}
