package record

import (
	"strings"

	"github.com/pealhq/peal"
)

// Kind is what a column holds, and how it stands in a [Row]. Any of them may be nil.
type Kind int

// The kinds of columns.
const (
	Text   Kind = iota // string
	Number             // int64
	Flag               // bool
	Bytes              // []byte
	ID                 // [16]byte
	Tenant             // string: a tenant's name, for which a store keeps a number
	Type               // string: an event type, likewise
	Hook               // [16]byte: a webhook's id, likewise
)

// Column is one value of the rows of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is a kind of row as one store hands it to another: independent of how each
// keeps it. Its first column is the key, by which its rows are handed over.
type Table struct {
	Name    string
	Columns []Column
}

// Row is the values of a table's columns, in their order.
type Row []any

// Tables lists what a store holds, those first that others refer to. The attempts of
// deliveries come with the deliveries. What nodes tell each other while they run is left out.
func Tables() []*Table {
	return []*Table{
		table("tenants", "name description format retry_policy created# catalogue quotas revision#"),
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
	// Deliveries have their status as a number: 0 pending, 1 success, 2 failed, 3 canceled;
	// due is 0 in final ones and at in pending ones; last is the attempt that settled it.
	Deliveries = table("deliveries", "id@ webhook& event@ status# due# test! attempts# tries# code# duration# reason at# last*")
	// Attempts are those that did not settle their delivery.
	Attempts = table("attempts", "delivery@ id@ record*")
)

// table reads the columns of a table, each with a sign for its kind.
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

// KeyOf gives a row's key: a text, or the 16 bytes of an ID.
func KeyOf(row Row) string {
	if id, ok := row[0].([16]byte); ok {
		return string(id[:])
	}
	return row[0].(string)
}

// Span is the rows of a table whose keys come after one key, in order of their bytes,
// up to another; "" stands for no bound.
type Span struct{ After, Last string }

// Page is all rows of a stretch of a table. Those of deliveries have their attempts with them.
type Page struct {
	Span
	Rows, Attempts []Row
}

// Clean makes a text one that every store takes: UTF-8 without the character 0.
func Clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// CheckSealed tells whether what is sealed in a row opens.
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
			return peal.Invalidf("encryption_key", "does not open what is sealed in the table %s (%s): give the key that the server has", t.Name, err)
		}
	}
	return nil
}
