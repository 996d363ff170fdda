package postgres

import (
	"context"

	"github.com/jackc/pgerrcode"

	"github.com/pealhq/peal"
)

// check refuses a server that is too old or read-only, and rights that do not do. It
// says whether the schema exists; where it does not, the role may create it.
func (s *Store) check(ctx context.Context) (exists bool, err error) {
	var version int
	var text, role, database string
	var standby, readOnly bool
	if _, err := s.one(ctx, s.pool, `SELECT current_setting('server_version_num')::integer, current_setting('server_version'), current_user::text, current_database()::text,
		pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'`, nil, &version, &text, &role, &database, &standby, &readOnly); err != nil {
		return false, unreachable(err)
	}
	switch {
	case version < minVersion:
		return false, peal.Invalidf("database", "is PostgreSQL %s; version 15 or later is needed: upgrade the server", text)
	case standby:
		return false, &peal.Error{Code: peal.Unavailable, Field: "database", Message: "is a standby, which only reads: name the primary, or both with target_session_attrs=read-write", RetryAfter: retryAfter}
	case readOnly:
		return false, &peal.Error{Code: peal.Unavailable, Field: "database", Message: "is read-only: check default_transaction_read_only of the role and the database", RetryAfter: retryAfter}
	}
	schema := s.options.Schema
	var mayCreate, mayUse bool
	if _, err := s.one(ctx, s.pool, `SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE'), false),
		has_database_privilege(current_database(), 'CREATE')
		FROM (VALUES ($1::text)) v(name) LEFT JOIN pg_namespace n ON n.nspname = v.name`, []any{schema}, &exists, &mayUse, &mayCreate); err != nil {
		return false, err
	}
	switch {
	case exists && !mayUse:
		return exists, peal.Invalidf("database", "does not let the role %s create tables in the schema %s; have its owner run: ALTER SCHEMA %s OWNER TO %q", role, schema, schema, role)
	case !exists && !mayCreate:
		return exists, peal.Invalidf("database", "has no schema %s, and the role %s may not create it; have the owner of the database %s run: CREATE SCHEMA %s AUTHORIZATION %q", schema, role, database, schema, role)
	}
	return exists, nil
}

// unreachable tells what a first connection failed for where that is the settings' fault.
func unreachable(err error) error {
	var message string
	switch stateOf(err) {
	case pgerrcode.InvalidPassword, pgerrcode.InvalidAuthorizationSpecification:
		message = "refuses the role or its password: check both, and pg_hba.conf on the server"
	case pgerrcode.InvalidCatalogName:
		message = "does not exist on the server: create it with CREATE DATABASE, or check its name in the URL"
	default:
		return err
	}
	return &peal.Error{Code: peal.Invalid, Field: "database", Message: message, Err: withoutSecrets(err)}
}
