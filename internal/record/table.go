package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/pealhq/peal"
)

// Kind is the kind of a column, with its type in a [Row]. Every value may be nil.
type Kind int

// The kinds of columns.
const (
	Text   Kind = iota // string
	Number             // int64
	Flag               // bool
	Bytes              // []byte
	ID                 // [16]byte
	Tenant             // string: the name of a tenant; stores may use a number
	Type               // string: an event type, likewise
	Hook               // [16]byte: the ID of a webhook, likewise
)

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is a table for copying between stores, independent of their schemas. Its first column is
// the key, which determines the order of its rows.
type Table struct {
	Name    string
	Columns []Column
}

// Row holds the values of a table's columns in order.
type Row []any

// Tables returns the tables of a store, referenced tables first. Attempts are copied with their
// deliveries. State shared by running nodes is not included.
func Tables() []*Table {
	return []*Table{
		table("tenants", "name description format retry_policy created# catalogue quotas revision# deleting#"),
		table("webhooks", "id@ tenant~ deleted! revision# status settings confidential* sealed! exhausted# failing_since# updated# certificate_expires# name"),
		table("keys", "id@ tenant~ name scopes hash* hint revoked#"),
		table("catalogue_types", "key description schema* example* created# updated#"),
		table("users", "id@ tenant~ name password subject role updated# revision#"),
		table("sessions", "id@ kind hash* user@ link@ name tenant~ role expires# revoked# address agent"),
		table("portal_links", "id@ tenant~ name hash* read_only! expires# life# used# revoked#"),
		table("audit", "id@ tenant actor_kind actor_id actor action target detail address request_id"),
		table("sources", "id@ tenant~ name revision# settings secrets* sealed! updated# accepted# duplicate# refused# accepted_at# refused_at# refusal"),
		table("themes", "tenant~ settings logo* revision#"),
		table("problems", "webhook& reason code# error first# last# attempts#"),
		table("buckets", "webhook& width# start# counts*"),
		Events, Deliveries,
		table("spreads", "id@ first@ last@ list*"),
		table("replays", "id@ tenant~ webhook@ since# until# choice status reason total# done# replayed# next_delivery@ next_event@ ended#"),
	}
}

// The tables of history.
var (
	Events = table("events", "key@ tenant~ type^ ext_id subject time deliveries* filter_errors data*")
	// The status of a delivery is 0 pending, 1 success, 2 failed, 3 canceled; due is 0 in final
	// ones and at in pending ones; last is the attempt that settled it.
	Deliveries = table("deliveries", "id@ webhook& event@ status# due# test! attempts# tries# code# duration# reason at# last*")
	// Attempts are those that did not settle their delivery.
	Attempts = table("attempts", "delivery@ id@ record*")
)

// table creates a table from its columns, each with a sign for its kind.
func table(name, columns string) *Table {
	t := &Table{Name: name}
	for _, word := range strings.Fields(columns) {
		kind := Kind(1 + strings.IndexByte("#!*@~^&", word[len(word)-1]))
		if kind != Text {
			word = word[:len(word)-1]
		}
		t.Columns = append(t.Columns, Column{word, kind})
	}
	return t
}

// KeyOf returns the key of a row: a text, or the 16 bytes of an ID.
func KeyOf(row Row) string {
	if id, ok := row[0].([16]byte); ok {
		return string(id[:])
	}
	return row[0].(string)
}

// Span selects the rows with keys after one key up to and including another, in byte order; "" is
// unbounded.
type Span struct{ After, Last string }

// Page holds all rows of a span of a table, deliveries with their attempts.
type Page struct {
	Span
	Rows, Attempts []Row
}

// Clean returns a text that every store accepts: valid UTF-8 without NUL.
func Clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// CheckSealed returns an error if a sealed value in a row does not open.
func CheckSealed(sealer peal.Sealer, t *Table, row Row) error {
	for _, c := range SealedColumns() {
		if c.Table != t.Name {
			continue
		}
		id, value, sealed := row[0].([16]byte), []byte(nil), false
		for i, column := range t.Columns {
			switch column.Name {
			case c.Column:
				value, _ = row[i].([]byte)
			case "sealed":
				sealed, _ = row[i].(bool)
			}
		}
		if !sealed {
			continue
		}
		if sealer == nil {
			return peal.Invalidf("encryption_key", "is missing, and secrets are sealed: set PEAL_ENCRYPTION_KEY to the server's, or PEAL_ENCRYPTION_KEY_FILE to the file encryption.key in its data directory")
		}
		if _, err := sealer.Open(value, c.bound(id)); err != nil {
			return peal.Invalidf("encryption_key", "does not open what is sealed in the table %s (%s): use the key of the server", t.Name, err)
		}
	}
	return nil
}

// Sum identifies a set of rows by their number and a checksum that does not depend on their order.
type Sum struct {
	Rows int64
	a, b uint64
}

// Add adds the rows of another sum.
func (s *Sum) Add(other Sum) {
	s.Rows += other.Rows
	s.a += other.a
	s.b += other.b
}

// String returns the checksum.
func (s Sum) String() string { return fmt.Sprintf("%016x%016x", s.a, s.b) }

// Summer computes the [Sum] of rows.
type Summer struct {
	Sum
	text []byte
}

// Add adds a row of a table.
func (s *Summer) Add(t *Table, row Row) {
	b := append(s.text[:0], t.Name...)
	for _, value := range row {
		switch v := value.(type) {
		case nil:
			b = append(b, 0)
		case string:
			b = appendText(append(b, 1), v)
		case []byte:
			b = appendText(append(b, 2), v)
		case int64:
			b = binary.AppendVarint(append(b, 3), v)
		case bool:
			b = append(b, 4)
			if v {
				b = append(b, 1)
			}
		case [16]byte:
			b = append(append(b, 5), v[:]...)
		default:
			panic(fmt.Sprintf("a row of %s holds a %T", t.Name, value))
		}
	}
	s.text = b
	sum := sha256.Sum256(b)
	s.Rows++
	s.a += binary.BigEndian.Uint64(sum[:8])
	s.b += binary.BigEndian.Uint64(sum[8:16])
}

// Sum returns the sum of a page.
func (p *Page) Sum(t *Table) Sum {
	var s Summer
	for _, row := range p.Rows {
		s.Add(t, row)
	}
	for _, row := range p.Attempts {
		s.Add(Attempts, row)
	}
	return s.Sum
}
