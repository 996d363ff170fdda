package sqlite

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	sqlite "modernc.org/sqlite"

	"github.com/pealhq/peal/internal/wake"
)

// The log is written back into the file when it has grown by logStep pages, beside the writer, so
// that no commit waits for it. The log restarts with the first commit that finds all of it written
// back. What a busy writer commits meanwhile prevents that, so this is written back too, up to
// logRounds times, until it is no more than logRest pages. Then the writer writes back the rest
// itself, between two transactions, in well under a millisecond.
const (
	logStep   = 8000
	logRest   = 32
	logRounds = 4
)

// checkpointer is the goroutine that writes the log back.
type checkpointer struct {
	conn *connection
	wake wake.Signal
	done chan struct{}
	busy atomic.Bool // asked for, and not yet done

	state *logKeeper
}

func newCheckpointer(ctx context.Context, dsn string, state *logKeeper) (*checkpointer, error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &checkpointer{conn: conn, wake: wake.New(), done: make(chan struct{}), state: state}, nil
}

// run writes the log back whenever it is woken, until the context ends.
func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-c.wake:
			// A failure costs nothing but a longer log, and the next time tries again.
			_ = checkpoint(c.conn)
			c.state.note()
			c.busy.Store(false)
		case <-ctx.Done():
			return
		}
	}
}

// checkpoint writes back what it can without waiting for anybody.
func checkpoint(conn *connection) error {
	return conn.query(`PRAGMA wal_checkpoint(PASSIVE)`, func(r row) error {
		if r.int(0) != 0 {
			return errors.New("another checkpoint is running")
		}
		return nil
	})
}

// log is the writer's view of the log, in pages.
type log struct {
	rest   int // since the last start of writing it back
	rounds int // of writing it back beside the writer, since the writer did
}

// written is called by the writer after every commit.
func (w *writer) written() {
	defer w.state.note()
	status, ok := w.conn.raw.(sqlite.DBStatus)
	if !ok {
		return
	}
	pages, _, err := status.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return
	}
	l := &w.log
	l.rest += pages
	switch {
	case w.checkpoints.busy.Load():
	case l.rounds > 0 && l.rest <= logRest || l.rounds == logRounds:
		*l = log{}
		_ = checkpoint(w.conn) // a reader may be in the way: then the next time tries again
	case l.rounds > 0 || l.rest >= logStep:
		l.rest, l.rounds = 0, l.rounds+1
		w.checkpoints.signal()
	}
}

// signal has the log written back.
func (c *checkpointer) signal() {
	c.busy.Store(true)
	c.wake.Send()
}

// Sizes and marks of a log file (sqlite.org/fileformat2.html, section 4).
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	walMagic        = 0x377f0682 // the lowest bit is the byte order of checksums
)

// walFile is the part of a log file that SQLite will use at its next start.
type walFile struct {
	exists    bool // with a valid header
	salt      [8]byte
	committed uint32 // frames up to the last commit before anything is damaged
	// beyond counts the commits that lie behind a damaged frame and are whole themselves. Of
	// these, one may be what a crash of the machine has torn; two show that a commit which was
	// durable has been damaged since.
	beyond int
}

// checksum is the running checksum of a log.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c.s0 += c.order.Uint32(b) + c.s1
		c.s1 += c.order.Uint32(b[4:]) + c.s0
	}
}

func (c *checksum) is(stored []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stored) && c.s1 == binary.BigEndian.Uint32(stored[4:])
}

// follow takes what is stored for the present value, so that what follows a damaged frame
// can be checked.
func (c *checksum) follow(stored []byte) {
	c.s0, c.s1 = binary.BigEndian.Uint32(stored), binary.BigEndian.Uint32(stored[4:])
}

// readWAL reads a log file. A missing or empty one does not exist; neither does one with a
// damaged header, which SQLite ignores.
func readWAL(path string) (w walFile, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	var header [walHeaderSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return w, ignoreEnd(err)
	}
	magic, size := binary.BigEndian.Uint32(header[:]), binary.BigEndian.Uint32(header[8:])
	sum := checksum{order: binary.LittleEndian}
	if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	sum.add(header[:24])
	if magic&^1 != walMagic || size < 512 || size > 1<<16 || size&(size-1) != 0 || !sum.is(header[24:]) {
		return w, nil
	}
	w.exists, w.salt = true, [8]byte(header[16:24])
	whole := true // up to here
	for frame, n := make([]byte, frameHeaderSize+int(size)), uint32(1); ; n++ {
		if _, err := io.ReadFull(in, frame); err != nil {
			return w, ignoreEnd(err)
		}
		if [8]byte(frame[8:16]) != w.salt {
			return w, nil // of an earlier log, or damaged: the rest cannot be distinguished
		}
		sum.add(frame[:8])
		sum.add(frame[frameHeaderSize:])
		valid := sum.is(frame[16:])
		commits := valid && binary.BigEndian.Uint32(frame[4:]) != 0
		whole = whole && valid
		switch {
		case commits && whole:
			w.committed = n
		case commits:
			w.beyond++
		}
		if !valid {
			sum.follow(frame[16:])
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
