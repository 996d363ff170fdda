package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

var users = table[peal.User]{
	` FROM peal.users u LEFT JOIN peal.tenants n ON n.num = u.tenant`,
	func(u *peal.User) []Column {
		return []Column{
			Fixed("u.id", u.ID[:]), Text("u.name", &u.Name), Text("u.password", &u.Password), Text("u.subject", &u.Subject),
			Text("n.name", &u.Tenant), Text("u.role", &u.Role), Time("u.updated", &u.UpdatedAt), Int("u.revision", &u.Revision),
		}
	},
}

func noUser() error { return peal.Fail(peal.NotFound, message.NoUser) }

// tenantOrNull returns the number of a tenant, which it creates if there is none, and the number as
// a value: 0 and NULL for no tenant.
func tenantOrNull(tx Tx, name string, now time.Time) (num int64, value any, err error) {
	if name == "" {
		return 0, nil, nil
	}
	num, err = tx.EnsureTenant(name, now)
	return num, num, err
}

// CreateUser implements [storetest.IdentityStore].
func (s *Store) CreateUser(ctx context.Context, user peal.User) error {
	conflict := peal.Fail(peal.Conflict, message.UserExists)
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		_, taken, err := number(tx, `SELECT 1 FROM peal.users WHERE id = ?1 OR name = ?2 OR subject = ?3`,
			ID(user.ID), user.Name, orNull(user.Subject))
		if err != nil {
			return err
		}
		if taken {
			return conflict
		}
		num, tenant, err := tenantOrNull(tx, user.Tenant, user.CreatedAt())
		if err != nil {
			return err
		}
		if err := s.room(tx, peal.QuotaUsers, num, user.CreatedAt()); err != nil {
			return err
		}
		n, err := tx.Exec(`INSERT INTO peal.users (id, tenant, name, password, subject, role, updated)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
			ID(user.ID), tenant, user.Name, user.Password, orNull(user.Subject), string(user.Role), user.UpdatedAt)
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	return s.db.Translate("create a user", err)
}

// UpdateUser implements [storetest.IdentityStore].
func (s *Store) UpdateUser(ctx context.Context, user peal.User) error {
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		stored, found, err := number(tx, `SELECT revision FROM peal.users WHERE id = ?1 [FOR UPDATE]`, ID(user.ID))
		switch {
		case err != nil:
			return err
		case !found:
			return noUser()
		case stored != user.Revision:
			return peal.ErrRevision
		}
		_, taken, err := number(tx, `SELECT 1 FROM peal.users WHERE subject = ?1 AND id <> ?2`,
			orNull(user.Subject), ID(user.ID))
		if err != nil {
			return err
		}
		if taken {
			return peal.Fail(peal.Conflict, message.PersonTaken)
		}
		_, tenant, err := tenantOrNull(tx, user.Tenant, user.UpdatedAt)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE peal.users SET tenant = ?2, password = ?3, subject = ?4, role = ?5, updated = ?6,
			revision = revision + 1 WHERE id = ?1`,
			ID(user.ID), tenant, user.Password, orNull(user.Subject), string(user.Role), user.UpdatedAt); err != nil {
			return err
		}
		_, err = revokeSessions(tx, user.ID, user.UpdatedAt)
		return err
	})
	return s.db.Translate("update a user", err)
}

// DeleteUser implements [storetest.IdentityStore].
func (s *Store) DeleteUser(ctx context.Context, tenant string, id peal.UserID, at time.Time) error {
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		n, err := tx.Exec(`DELETE FROM peal.users WHERE id = ?1`+ofTenant, ID(id), tenant)
		if err != nil {
			return err
		}
		if n == 0 {
			return noUser()
		}
		_, err = revokeSessions(tx, id, at)
		return err
	})
	return s.db.Translate("delete a user", err)
}

// ofTenant limits a change to the tenant with the name ?2, unless that is "".
const ofTenant = ` AND (CAST(?2 AS text) = '' OR tenant = (SELECT num FROM peal.tenants WHERE name = ?2))`

// User implements [storetest.IdentityStore].
func (s *Store) User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error) {
	return s.user(ctx, ` WHERE u.id = ?1 AND (CAST(?2 AS text) = '' OR n.name = ?2)`, ID(id), tenant)
}

// UserByName implements [storetest.IdentityStore].
func (s *Store) UserByName(ctx context.Context, name string) (peal.User, error) {
	return s.user(ctx, ` WHERE u.name = ?1`, name)
}

// UserBySubject implements [storetest.IdentityStore].
func (s *Store) UserBySubject(ctx context.Context, subject string) (peal.User, error) {
	return s.user(ctx, ` WHERE u.subject = ?1`, orNull(subject))
}

func (s *Store) user(ctx context.Context, rest string, values ...any) (peal.User, error) {
	user, err := users.one(s.db.Reader(ctx), noUser(), rest, values...)
	return user, s.db.Translate("read a user", err)
}

// Users implements [storetest.IdentityStore].
func (s *Store) Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error) {
	var w where
	w.ofTenant("u.tenant", tenant)
	rest, values := newest(&w, "u.id", before, limit)
	list, err := users.list(s.db.Reader(ctx), rest, values...)
	return list, s.db.Translate("list users", err)
}
