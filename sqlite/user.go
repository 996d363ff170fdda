package sqlite

import (
	"context"

	"time"

	"github.com/pealhq/peal"
)

const selectUser = `SELECT u.id, u.name, u.password, u.subject, ifnull(n.name, ''), u.role, u.updated, u.revision
	FROM users u LEFT JOIN tenants n ON n.num = u.tenant`

func scanUser(r row) peal.User {
	return peal.User{
		ID: peal.UserID(r.blob(0)), Name: r.text(1), Password: r.text(2), Subject: r.text(3), Tenant: r.text(4), Role: peal.Role(r.text(5)), UpdatedAt: timeOf(r.int(6)), Revision: r.int(7),
	}
}

func noUser() error { return peal.Errorf(peal.NotFound, "there is no such user") }

// tenantOrNull gives the column of a tenant that may be none.
func (w *writer) tenantOrNull(name string, now time.Time) (any, error) {
	if name == "" {
		return nil, nil
	}
	return w.ensureTenant(name, now)
}

// CreateUser implements [peal.IdentityStore].
func (s *Store) CreateUser(ctx context.Context, user peal.User) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		_, taken, err := w.conn.number(`SELECT 1 FROM users WHERE id = ?1 OR name = ?2 OR subject = ?3`, user.ID[:], user.Name, orNull(user.Subject))
		if err != nil {
			return err
		}
		if taken {
			return refusef(peal.Conflict, "there is such a user already")
		}
		tenant, err := w.tenantOrNull(user.Tenant, user.CreatedAt())
		if err != nil {
			return err
		}
		num, _ := tenant.(int64)
		if err := s.room(w, peal.QuotaUsers, num, user.CreatedAt()); err != nil {
			return err
		}
		_, err = w.conn.exec(`INSERT INTO users (id, tenant, name, password, subject, role, updated) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			user.ID[:], tenant, user.Name, user.Password, orNull(user.Subject), string(user.Role), micros(user.UpdatedAt))
		return err
	}})
	return translate("create a user", err)
}

// UpdateUser implements [peal.IdentityStore].
func (s *Store) UpdateUser(ctx context.Context, user peal.User) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		stored, found, err := w.conn.number(`SELECT revision FROM users WHERE id = ?`, user.ID[:])
		switch {
		case err != nil:
			return err
		case !found:
			return refuse(noUser())
		case stored != user.Revision:
			return refuse(peal.ErrRevision)
		}
		_, taken, err := w.conn.number(`SELECT 1 FROM users WHERE subject = ? AND id <> ?`, orNull(user.Subject), user.ID[:])
		if err != nil {
			return err
		}
		if taken {
			return refusef(peal.Conflict, "another user signs in as that person")
		}
		tenant, err := w.tenantOrNull(user.Tenant, user.UpdatedAt)
		if err != nil {
			return err
		}
		if _, err := w.conn.exec(`UPDATE users SET tenant = ?, password = ?, subject = ?, role = ?, updated = ?, revision = revision + 1 WHERE id = ?`,
			tenant, user.Password, orNull(user.Subject), string(user.Role), micros(user.UpdatedAt), user.ID[:]); err != nil {
			return err
		}
		_, err = w.revokeSessions(user.ID, user.UpdatedAt)
		return err
	}})
	return translate("update a user", err)
}

// DeleteUser implements [peal.IdentityStore].
func (s *Store) DeleteUser(ctx context.Context, tenant string, id peal.UserID, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM users WHERE id = ?1 AND (?2 = '' OR tenant = (SELECT num FROM tenants WHERE name = ?2))`, id[:], tenant)
		if err != nil {
			return err
		}
		if n == 0 {
			return refuse(noUser())
		}
		_, err = w.revokeSessions(id, at)
		return err
	}})
	return translate("delete a user", err)
}

// User implements [peal.IdentityStore].
func (s *Store) User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error) {
	return s.oneUser(ctx, ` WHERE u.id = ?1 AND (?2 = '' OR n.name = ?2)`, id[:], tenant)
}

// UserByName implements [peal.IdentityStore].
func (s *Store) UserByName(ctx context.Context, name string) (peal.User, error) {
	return s.oneUser(ctx, ` WHERE u.name = ?`, name)
}

// UserBySubject implements [peal.IdentityStore].
func (s *Store) UserBySubject(ctx context.Context, subject string) (peal.User, error) {
	return s.oneUser(ctx, ` WHERE u.subject = ?`, orNull(subject))
}

func (s *Store) oneUser(ctx context.Context, where string, values ...any) (peal.User, error) {
	var user peal.User
	found := false
	err := s.query(ctx, selectUser+where, func(r row) error {
		user, found = scanUser(r), true
		return nil
	}, values...)
	if err == nil && !found {
		err = noUser()
	}
	return user, translate("read a user", err)
}

// Users implements [peal.IdentityStore].
func (s *Store) Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error) {
	var c conditions
	c.ofTenant("u.tenant", tenant)
	c.before("u.id", before.IsZero(), before[:])
	var users []peal.User
	err := s.query(ctx, selectUser+c.text+` ORDER BY u.id DESC LIMIT +?`, func(r row) error {
		users = append(users, scanUser(r))
		return nil
	}, append(c.values, int64(limit))...)
	return users, translate("list users", err)
}
