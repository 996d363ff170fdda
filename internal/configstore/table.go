package configstore

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID is the ID of anything as a value.
type ID [16]byte

// OptionalTime is a time as the value of a column in which a missing time is NULL in SQLite and 0
// in PostgreSQL.
type OptionalTime time.Time

// orNull returns a text as a value, NULL for "".
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// orNoID returns an ID as a value, NULL for the zero ID.
func orNoID[I ~[16]byte](id I) any {
	if [16]byte(id) == [16]byte{} {
		return nil
	}
	return ID(id)
}

// Column is a column of a result and the place for its values.
type Column struct {
	Name string
	Set  func(value any) error
}

// column returns a column of which convert returns the value; ok is false if it cannot.
// NULL is the zero value.
func column[T any](name string, to *T, convert func(any) (T, bool)) Column {
	return Column{name, func(value any) error {
		if value == nil {
			*to = *new(T)
			return nil
		}
		converted, ok := convert(value)
		if !ok {
			return fmt.Errorf("column %s holds a %T", name, value)
		}
		*to = converted
		return nil
	}}
}

// Text is a column of text.
func Text[T ~string](name string, to *T) Column {
	return column(name, to, func(value any) (T, bool) {
		text, ok := value.(string)
		return T(text), ok
	})
}

// Int is a column of integers.
func Int[T ~int | ~int32 | ~int64](name string, to *T) Column {
	return column(name, to, func(value any) (T, bool) {
		n, ok := integer(value)
		return T(n), ok
	})
}

func integer(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case int32:
		return int64(n), true
	}
	return 0, false
}

// Flag is a column of truth values.
func Flag(name string, to *bool) Column {
	return column(name, to, func(value any) (bool, bool) {
		if flag, ok := value.(bool); ok {
			return flag, true
		}
		n, ok := integer(value)
		return n != 0, ok
	})
}

// Time is a column of times; 0 stands for none.
func Time(name string, to *time.Time) Column {
	return column(name, to, func(value any) (time.Time, bool) {
		micros, ok := integer(value)
		if micros == 0 {
			return time.Time{}, ok
		}
		return time.UnixMicro(micros).UTC(), ok
	})
}

// Blob is a column of bytes, or of a text that is read as bytes.
func Blob[T ~[]byte](name string, to *T) Column {
	return column(name, to, func(value any) (T, bool) {
		if text, ok := value.(string); ok {
			return T(text), true
		}
		blob, ok := value.([]byte)
		return T(bytes.Clone(blob)), ok
	})
}

// Fixed is a column of as many bytes as its place has: IDs and hashes.
func Fixed(name string, to []byte) Column {
	return Column{name, func(value any) error {
		clear(to)
		switch value := value.(type) {
		case nil:
		case []byte:
			copy(to, value)
		case [16]byte:
			copy(to, value[:])
		default:
			return fmt.Errorf("column %s holds a %T", name, value)
		}
		return nil
	}}
}

// decoded is a column of text that is handed to a function.
func decoded(name string, decode func(text string) error) Column {
	var text string
	read := Text(name, &text)
	return Column{name, func(value any) error {
		if err := read.Set(value); err != nil {
			return err
		}
		return decode(text)
	}}
}

// names returns the names of columns, as a SELECT lists them.
func names(columns []Column) string {
	var list []string
	for _, c := range columns {
		list = append(list, c.Name)
	}
	return strings.Join(list, ", ")
}

// Read runs a query for columns and calls each with every row that was read into their places.
func Read(q Querier, columns []Column, rest string, each func() error, values ...any) error {
	return q.Query(`SELECT `+names(columns)+rest, func(r Row) error {
		for i := range columns {
			if err := columns[i].Set(r[i]); err != nil {
				return err
			}
		}
		return each()
	}, values...)
}

// number runs a query for one integer; found is false if there is no row.
func number(q Querier, text string, values ...any) (n int64, found bool, err error) {
	err = q.Query(text, func(r Row) error {
		n, found = integer(r[0])
		return nil
	}, values...)
	return n, found, err
}

// table is where the rows of an entity come from, and how they are read.
type table[T any] struct {
	from    string
	columns func(*T) []Column
}

// each calls a function with every row of a query; the rest of the text follows the tables.
func (t table[T]) each(q Querier, rest string, values []any, each func(T) error) error {
	var row T
	return Read(q, t.columns(&row), t.from+rest, func() error { return each(row) }, values...)
}

// list returns the rows of a query.
func (t table[T]) list(q Querier, rest string, values ...any) (rows []T, err error) {
	err = t.each(q, rest, values, func(row T) error {
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

// one returns the only row of a query, or the given error if there is none.
func (t table[T]) one(q Querier, none error, rest string, values ...any) (T, error) {
	rows, err := t.list(q, rest, values...)
	if err == nil && len(rows) == 0 {
		err = none
	}
	if err != nil {
		return *new(T), err
	}
	return rows[0], nil
}

// where is the WHERE of a list. Its texts come from the few combinations of filters.
type where struct {
	text   string
	values []any
}

// add adds a condition, in which ? stands for the value.
func (w *where) add(condition string, value any) {
	if w.text == "" {
		w.text = " WHERE "
	} else {
		w.text += " AND "
	}
	w.values = append(w.values, value)
	w.text += strings.ReplaceAll(condition, "?", "?"+strconv.Itoa(len(w.values)))
}

// filter adds a condition on a text unless that is "".
func (w *where) filter(condition, text string) {
	if text != "" {
		w.add(condition, text)
	}
}

// ofTenant adds the condition that a column holds a tenant's number, unless the name is "".
func (w *where) ofTenant(column, tenant string) {
	w.filter(column+` = (SELECT num FROM peal.tenants WHERE name = ?)`, tenant)
}

// newest returns the condition, order and limit of a page of a list: the newest before an ID,
// unless that is zero.
func newest[I ~[16]byte](w *where, column string, before I, limit int) (rest string, values []any) {
	if [16]byte(before) != [16]byte{} {
		w.add(column+` < ?`, ID(before))
	}
	w.values = append(w.values, limit)
	return w.text + ` ORDER BY ` + column + ` DESC LIMIT +?` + strconv.Itoa(len(w.values)), w.values
}
