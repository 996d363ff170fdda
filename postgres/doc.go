// Package postgres keeps Peal's state in a PostgreSQL database, for more than one
// node: the [peal.Store] of package sqlite on a server, in its own schema.
//
// Calls that wait at the same moment share one transaction and one round trip: the
// functions insert_events and settle_deliveries of the schema take whole groups.
// Pending deliveries are in two tables that stay small and hot, held and waiting;
// history is appended to partitions by the day, made ahead and dropped as a whole.
//
// Nothing depends on the state of a session: a pooler in transaction mode, such as
// PgBouncer, works, and a role that owns only the schema is enough.
package postgres
