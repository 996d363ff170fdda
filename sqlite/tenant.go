package sqlite

import (
	"context"
	"encoding/json"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const selectTenant = `SELECT name, description, format, retry_policy, created, catalogue, quotas, revision, coalesce(deleting, 0) FROM tenants`

func scanTenant(r row) (peal.Tenant, error) {
	t := peal.Tenant{Name: r.text(0), Description: r.text(1), Format: r.text(2), CreatedAt: timeOf(r.int(4)), Catalogue: r.text(5), Revision: r.int(7)}
	if since := r.int(8); since != 0 {
		t.DeletingSince = timeOf(since)
	}
	var err error
	if t.Quotas, err = peal.DecodeQuotas(r.text(6)); err != nil {
		return t, err
	}
	if r[3] != nil {
		t.RetryPolicy = record.DecodePolicy([]byte(r.text(3)))
	}
	return t, nil
}

func policyText(policy *peal.RetryPolicy) (any, error) {
	if policy == nil {
		return nil, nil
	}
	text, err := json.Marshal(policy)
	return string(text), err
}

func noTenant(name string) error {
	return peal.Errorf(peal.NotFound, "there is no tenant %q", name)
}

// CreateTenant implements [peal.ConfigStore].
func (s *Store) CreateTenant(ctx context.Context, tenant peal.Tenant) error {
	policy, err := policyText(tenant.RetryPolicy)
	if err != nil {
		return translate("create a tenant", err)
	}
	err = s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		if _, taken, err := w.tenant(tenant.Name); err != nil {
			return err
		} else if taken {
			return refusef(peal.Conflict, "there is a tenant %q already", tenant.Name)
		}
		_, err := w.conn.exec(`INSERT INTO tenants (name, description, format, retry_policy, created, catalogue, quotas) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			tenant.Name, tenant.Description, tenant.Format, policy, micros(tenant.CreatedAt), tenant.Catalogue, orNull(peal.EncodeQuotas(tenant.Quotas)))
		return err
	}})
	return translate("create a tenant", err)
}

// UpdateTenant implements [peal.ConfigStore].
func (s *Store) UpdateTenant(ctx context.Context, tenant peal.Tenant) error {
	policy, err := policyText(tenant.RetryPolicy)
	if err != nil {
		return translate("update a tenant", err)
	}
	err = s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		stored, found, err := w.conn.number(`SELECT CASE WHEN coalesce(deleting, 0) = 0 THEN revision ELSE -1 END FROM tenants WHERE name = ?`, tenant.Name)
		switch {
		case err != nil:
			return err
		case !found:
			return refuse(noTenant(tenant.Name))
		case stored < 0:
			return refuse(peal.ErrTenantDeleted)
		case stored != tenant.Revision:
			return refuse(peal.ErrRevision)
		}
		if _, err := w.conn.exec(`UPDATE tenants SET description = ?, format = ?, retry_policy = ?, catalogue = ?, quotas = ?, revision = revision + 1 WHERE name = ?`,
			tenant.Description, tenant.Format, policy, tenant.Catalogue, orNull(peal.EncodeQuotas(tenant.Quotas)), tenant.Name); err != nil {
			return err
		}
		revision, err := w.bumpRoutes()
		if err != nil {
			return err
		}
		_, err = w.conn.exec(`UPDATE webhooks SET revision = ? WHERE NOT deleted AND tenant = (SELECT num FROM tenants WHERE name = ?)`,
			revision, tenant.Name)
		return err
	}})
	return translate("update a tenant", err)
}

// Tenant implements [peal.ConfigStore].
func (s *Store) Tenant(ctx context.Context, name string) (peal.Tenant, error) {
	var tenant peal.Tenant
	found := false
	err := s.query(ctx, selectTenant+` WHERE name = ?`, func(r row) (err error) {
		tenant, err = scanTenant(r)
		found = true
		return err
	}, name)
	if err == nil && !found {
		err = noTenant(name)
	}
	return tenant, translate("read a tenant", err)
}

// Tenants implements [peal.ConfigStore].
func (s *Store) Tenants(ctx context.Context, after string, limit int) ([]peal.Tenant, error) {
	var tenants []peal.Tenant
	err := s.query(ctx, selectTenant+` WHERE name > ? ORDER BY name LIMIT +?`, func(r row) error {
		tenant, err := scanTenant(r)
		tenants = append(tenants, tenant)
		return err
	}, after, int64(limit))
	return tenants, translate("list tenants", err)
}
