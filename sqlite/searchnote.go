package sqlite

import "encoding/binary"

// notes are what a transaction has changed that the search index must look at: one row
// for all of it.
type notes struct {
	on                 bool
	events, deliveries []byte // keys, 8 bytes each
}

// event notes that an event is new or has another delivery.
func (n *notes) event(seq int64) {
	if n.on {
		n.events = binary.BigEndian.AppendUint64(n.events, uint64(seq))
	}
}

// delivery notes that a delivery has become final or has another attempt.
func (n *notes) delivery(seq int64) {
	if n.on {
		n.deliveries = binary.BigEndian.AppendUint64(n.deliveries, uint64(seq))
	}
}

func (n *notes) discard() { n.events, n.deliveries = n.events[:0], n.deliveries[:0] }

// flushNotes writes them at the end of a transaction.
func (w *writer) flushNotes() error {
	n := &w.notes
	if len(n.events)+len(n.deliveries) == 0 {
		return nil
	}
	defer n.discard()
	_, err := w.conn.exec(`INSERT INTO search_todo (events, deliveries) VALUES (?, ?)`, orEmpty(n.events), orEmpty(n.deliveries))
	return err
}

// orEmpty is a blob that is never NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// loadNotes reads whether the index is on.
func (w *writer) loadNotes() error {
	on, _, err := w.conn.number(`SELECT value FROM meta WHERE name = 'search'`)
	w.notes.on = on != 0
	return err
}
