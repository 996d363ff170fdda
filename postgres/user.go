package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
)

const selectUser = `SELECT u.id, u.name, u.password, coalesce(u.subject, ''), coalesce(n.name, ''), u.role, u.updated, u.revision
	FROM peal.users u LEFT JOIN peal.tenants n ON n.num = u.tenant`

func noUser() error { return peal.Errorf(peal.NotFound, "there is no such user") }

// tenantOrNull gives the column of a tenant that may be none.
func (t *tx) tenantOrNull(name string, now time.Time) (num pgtype.Int4, err error) {
	if name != "" {
		num.Valid = true
		num.Int32, err = t.ensureTenant(name, micros(now))
	}
	return num, err
}

// CreateUser implements [peal.IdentityStore].
func (s *Store) CreateUser(ctx context.Context, user peal.User) error {
	err := s.transact(ctx, func(t *tx) error {
		tenant, err := t.tenantOrNull(user.Tenant, user.CreatedAt())
		if err != nil {
			return err
		}
		if err := t.room(peal.QuotaUsers, tenant.Int32, user.CreatedAt()); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO peal.users (id, tenant, name, password, subject, role, updated) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			uuid(user.ID), tenant, clean(user.Name), user.Password, orNull(clean(user.Subject)), string(user.Role), micros(user.UpdatedAt))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is such a user already")
		}
		return err
	})
	return translate("create a user", err)
}

// UpdateUser implements [peal.IdentityStore].
func (s *Store) UpdateUser(ctx context.Context, user peal.User) error {
	err := s.transact(ctx, func(t *tx) error {
		var stored int64
		found, err := t.one(`SELECT revision FROM peal.users WHERE id = $1 FOR UPDATE`, []any{uuid(user.ID)}, &stored)
		switch {
		case err != nil:
			return err
		case !found:
			return noUser()
		case stored != user.Revision:
			return peal.ErrRevision
		}
		var num int
		taken, err := t.one(`SELECT 1 FROM peal.users WHERE subject = $1 AND id <> $2`, []any{orNull(clean(user.Subject)), uuid(user.ID)}, &num)
		if err != nil {
			return err
		}
		if taken {
			return peal.Errorf(peal.Conflict, "another user signs in as that person")
		}
		tenant, err := t.tenantOrNull(user.Tenant, user.UpdatedAt)
		if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE peal.users SET tenant = $2, password = $3, subject = $4, role = $5, updated = $6, revision = revision + 1 WHERE id = $1`,
			uuid(user.ID), tenant, user.Password, orNull(clean(user.Subject)), string(user.Role), micros(user.UpdatedAt)); err != nil {
			return err
		}
		_, err = t.revokeSessions(user.ID, user.UpdatedAt)
		return err
	})
	return translate("update a user", err)
}

// DeleteUser implements [peal.IdentityStore].
func (s *Store) DeleteUser(ctx context.Context, tenant string, id peal.UserID, at time.Time) error {
	err := s.transact(ctx, func(t *tx) error {
		n, err := t.exec(`DELETE FROM peal.users WHERE id = $1 AND ($2::text = '' OR tenant = (SELECT num FROM peal.tenants WHERE name = $2))`, uuid(id), clean(tenant))
		if err != nil {
			return err
		}
		if n == 0 {
			return noUser()
		}
		_, err = t.revokeSessions(id, at)
		return err
	})
	return translate("delete a user", err)
}

// User implements [peal.IdentityStore].
func (s *Store) User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error) {
	return s.oneUser(ctx, ` WHERE u.id = $1 AND ($2::text = '' OR n.name = $2)`, uuid(id), clean(tenant))
}

// UserByName implements [peal.IdentityStore].
func (s *Store) UserByName(ctx context.Context, name string) (peal.User, error) {
	return s.oneUser(ctx, ` WHERE u.name = $1`, clean(name))
}

// UserBySubject implements [peal.IdentityStore].
func (s *Store) UserBySubject(ctx context.Context, subject string) (peal.User, error) {
	return s.oneUser(ctx, ` WHERE u.subject = $1`, orNull(clean(subject)))
}

func (s *Store) oneUser(ctx context.Context, where string, args ...any) (peal.User, error) {
	users, err := s.users(ctx, where, args...)
	if err == nil && len(users) == 0 {
		err = noUser()
	}
	if err != nil {
		return peal.User{}, translate("read a user", err)
	}
	return users[0], nil
}

// Users implements [peal.IdentityStore].
func (s *Store) Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error) {
	var c conditions
	c.ofTenant("u.tenant", tenant)
	where, args := page(&c, "u.id", before, limit)
	users, err := s.users(ctx, where, args...)
	return users, translate("list users", err)
}

func (s *Store) users(ctx context.Context, where string, args ...any) ([]peal.User, error) {
	var users []peal.User
	err := s.query(ctx, selectUser+where, func(rows pgx.Rows) error {
		var u peal.User
		var role string
		var updated int64
		err := rows.Scan((*[16]byte)(&u.ID), &u.Name, &u.Password, &u.Subject, &u.Tenant, &role, &updated, &u.Revision)
		u.Role, u.UpdatedAt = peal.Role(role), timeOf(updated)
		users = append(users, u)
		return err
	}, args...)
	return users, err
}
