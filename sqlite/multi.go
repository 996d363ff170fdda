package sqlite

import (
	"database/sql/driver"
	"strings"
)

// multi collects rows for one statement that takes many of them: a statement for
// each row would cost more than the row.
type multi struct {
	// The statement is before, a parenthesis of width parameters for each row, after.
	before, after string
	width         int
	sizes         [3]*statement
	values        []any
	args          []driver.NamedValue
}

// The numbers of rows that statements are prepared for.
var multiSizes = [3]int{32, 8, 1}

func (m *multi) add(values ...any) { m.values = append(m.values, values...) }

// discard forgets the rows.
func (m *multi) discard() {
	clear(m.values)
	m.values = m.values[:0]
}

// flush writes the rows and forgets them, and says how many the statements
// changed. The tail values go behind those of the rows, in each statement.
func (m *multi) flush(conn *connection, tail ...any) (changed int64, err error) {
	defer m.discard()
	rest := m.values
	for i, size := range multiSizes {
		for len(rest) >= size*m.width {
			if m.sizes[i] == nil {
				if m.sizes[i], err = conn.prepare(m.text(size)); err != nil {
					return changed, err
				}
			}
			n, err := m.sizes[i].exec(m.bind(rest[:size*m.width], tail))
			if err != nil {
				return changed, err
			}
			changed += n
			rest = rest[size*m.width:]
		}
	}
	return changed, nil
}

func (m *multi) bind(values, tail []any) []driver.NamedValue {
	for n := len(m.args); n < len(values)+len(tail); n++ {
		m.args = append(m.args, driver.NamedValue{Ordinal: n + 1})
	}
	for i, value := range values {
		m.args[i].Value = value
	}
	for i, value := range tail {
		m.args[len(values)+i].Value = value
	}
	return m.args[:len(values)+len(tail)]
}

func (m *multi) text(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", m.width), ",") + ")"
	return m.before + strings.TrimSuffix(strings.Repeat(row+",", rows), ",") + m.after
}
