package record

import "github.com/pealhq/peal"

// SealedColumn is a column with sealed values. Its table also has the columns id, of 16
// bytes, and sealed.
type SealedColumn struct {
	Table, Column string
	bound         func(id [16]byte) []byte // what the value of a row belongs to
}

// SealedColumns gives all of them: whoever adds one to the schema adds it here.
func SealedColumns() []SealedColumn {
	return []SealedColumn{
		{"webhooks", "confidential", func(id [16]byte) []byte { return boundTo(id) }},
		{"sources", "secrets", func(id [16]byte) []byte { return sourceBoundTo(id) }},
	}
}

// Reseal gives the value of a row as it is when the sealer's present key has sealed it.
func (c *SealedColumn) Reseal(sealer peal.Sealer, id [16]byte, value []byte, sealed bool) ([]byte, error) {
	if sealed {
		var err error
		if value, err = sealer.Open(value, c.bound(id)); err != nil {
			return nil, &peal.Error{Code: peal.Internal, Message: "a secret of the table " + c.Table + " does not open; start with the key that sealed it behind the new one", Err: err}
		}
	}
	return sealer.Seal(value, c.bound(id))
}
