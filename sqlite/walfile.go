package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Sizes and marks of a log file (sqlite.org/fileformat2.html, section 4).
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	walMagic        = 0x377f0682 // the lowest bit tells the byte order of checksums
)

// walFile is the content of a log file, as far as SQLite takes it at its next start.
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
			return w, nil // of an earlier log, or damaged: what follows cannot be told apart
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
