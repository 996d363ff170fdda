package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Sum tells whether two stores hold the same rows: how many they are, and a checksum
// that does not depend on their order.
type Sum struct {
	Rows int64
	a, b uint64
}

// Add counts another one's rows too.
func (s *Sum) Add(other Sum) {
	s.Rows += other.Rows
	s.a += other.a
	s.b += other.b
}

// String writes the checksum.
func (s Sum) String() string { return fmt.Sprintf("%016x%016x", s.a, s.b) }

// Summer adds rows up.
type Summer struct {
	Sum
	text []byte
}

// Add counts a row of a table.
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

// Sum gives the sum of a page.
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
