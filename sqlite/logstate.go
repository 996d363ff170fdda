package sqlite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pealhq/peal/internal/ownfile"
)

// SQLite cannot detect that the log of its last commits was cut, removed or damaged: it uses the
// intact part and forgets the rest. So the file PATH.state describes the last log. It is written after
// each commit but not made durable, which costs the commit nothing: a killed process leaves it exact,
// a machine that crashes leaves an earlier one, which causes no false alarm.

// stateSuffix is the end of the state file's name.
const stateSuffix = ".state"

// lossKept is the time for which a loss is reported, also by later starts.
const lossKept = 7 * 24 * time.Hour

// logState is the log as it was after a commit.
type logState struct {
	open   bool // false after a clean stop, with nothing in the log
	salt   [8]byte
	frames uint32
	back   uint32 // of these, frames that were written back into the file
	at     int64  // microseconds since 1970
}

const (
	stateHead  = "peal-log-1 "
	stateBytes = 1 + 8 + 4 + 4 + 8
	stateLine  = len(stateHead) + 2*(stateBytes+4) + 1 // with a checksum and a newline
)

// appendTo appends the line of a state.
func (s *logState) appendTo(line []byte) []byte {
	var b [stateBytes + 4]byte
	if s.open {
		b[0] = 1
	}
	copy(b[1:], s.salt[:])
	binary.BigEndian.PutUint32(b[9:], s.frames)
	binary.BigEndian.PutUint32(b[13:], s.back)
	binary.BigEndian.PutUint64(b[17:], uint64(s.at))
	binary.BigEndian.PutUint32(b[stateBytes:], crc32.ChecksumIEEE(b[:stateBytes]))
	return append(hex.AppendEncode(append(line, stateHead...), b[:]), '\n')
}

func parseState(text []byte) (s logState, ok bool) {
	if len(text) < stateLine {
		return s, false
	}
	digits, found := bytes.CutPrefix(text[:stateLine-1], []byte(stateHead))
	b, err := hex.AppendDecode(nil, digits)
	if !found || err != nil || binary.BigEndian.Uint32(b[stateBytes:]) != crc32.ChecksumIEEE(b[:stateBytes]) {
		return s, false
	}
	return logState{
		open: b[0] == 1, salt: [8]byte(b[1:9]), frames: binary.BigEndian.Uint32(b[9:]), back: binary.BigEndian.Uint32(b[13:]),
		at: int64(binary.BigEndian.Uint64(b[17:])),
	}, true
}

// lost describes what a log lacks of its last known state, or returns "".
func (s *logState) lost(known bool, w walFile) string {
	known = known && s.open && s.frames > s.back
	age := int32(binary.BigEndian.Uint32(w.salt[:]) - binary.BigEndian.Uint32(s.salt[:])) // SQLite counts up with each new log
	switch {
	case known && !w.exists:
		return "is missing or damaged from its start"
	case known && w.salt == s.salt && w.committed < s.frames:
		return fmt.Sprintf("is cut or damaged: %d of %d pages are left", w.committed, s.frames)
	case known && age <= 0 && w.salt != s.salt:
		return "is not the one that was written last"
	case w.beyond > 1:
		return fmt.Sprintf("is damaged: %d commits lie behind the damage", w.beyond)
	}
	return ""
}

// logKeeper keeps the state file. Its methods may be called by several goroutines.
type logKeeper struct {
	path string // of the database

	mu      sync.Mutex
	file    *os.File
	index   *os.File // SQLite's -shm, kept open as long as SQLite has it: closing it ends SQLite's locks
	state   logState
	loss    string // with its time
	line    []byte
	written logState
}

// openLogKeeper compares the log with its last known state, before SQLite opens it. The
// state file is a help: without it, only some damage is seen.
func openLogKeeper(path string, isNew bool) (*logKeeper, error) {
	file, err := ownfile.Open(path + stateSuffix)
	if err != nil {
		return nil, unusable(path, "has a state file that cannot be used", err)
	}
	k := &logKeeper{path: path, file: file}
	if isNew {
		return k, nil
	}
	if err := k.compare(); err != nil {
		return nil, unusable(path, "has a log that cannot be read", errors.Join(err, file.Close()))
	}
	return k, nil
}

func (k *logKeeper) compare() error {
	text := make([]byte, 4096)
	n, err := k.file.ReadAt(text, 0)
	if err := ignoreEnd(err); err != nil {
		return err
	}
	state, known := parseState(text[:n])
	if rest := text[min(n, stateLine):n]; known {
		k.loss = keptLoss(string(rest))
	}
	wal, err := readWAL(k.path + "-wal")
	if err != nil {
		return err
	}
	if how := state.lost(known, wal); how != "" {
		last := ""
		if known {
			last = " (the last one was at " + time.UnixMicro(state.at).UTC().Format(time.RFC3339) + ")"
		}
		k.loss = time.Now().UTC().Format(time.RFC3339) + " the log " + k.path + "-wal " + how + "; commits that were acknowledged are not in the database" + last
	}
	k.state = logState{open: state.open, salt: state.salt, frames: state.frames, back: state.back, at: state.at}
	return nil
}

// keptLoss returns the loss in the rest of a state file, unless it is too long ago.
func keptLoss(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	at, _, _ := strings.Cut(text, " ")
	if t, err := time.Parse(time.RFC3339, at); err != nil || time.Since(t) > lossKept {
		return ""
	}
	return text
}

// begin starts to follow the log, once SQLite has it open.
func (k *logKeeper) begin() error {
	index, err := os.Open(k.path + "-shm")
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.index = index
	k.read()
	return errors.Join(k.write(true), k.file.Sync())
}

// note writes down what the log is now. The writer calls it after each commit.
func (k *logKeeper) note() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read()
	_ = k.write(false) // the next commit tries again
}

// read reads SQLite's index of the log (sqlite.org/walformat.html, section 2).
func (k *logKeeper) read() {
	var b [100]byte
	if _, err := k.index.ReadAt(b[:], 0); err != nil || !bytes.Equal(b[:48], b[48:96]) {
		return // a commit is being written there, which is noted in its turn
	}
	k.state.open = true
	k.state.frames = binary.NativeEndian.Uint32(b[16:])
	copy(k.state.salt[:], b[32:40])
	k.state.back = min(binary.NativeEndian.Uint32(b[96:]), k.state.frames)
}

// write writes the state, with the loss too when all is asked for.
func (k *logKeeper) write(all bool) error {
	if k.state.at = k.written.at; !all && k.state == k.written {
		return nil
	}
	k.state.at = time.Now().UnixMicro()
	k.line = k.state.appendTo(k.line[:0])
	if all {
		k.line = append(append(k.line, k.loss...), '\n')
		if err := k.file.Truncate(int64(len(k.line))); err != nil {
			return err
		}
	}
	_, err := k.file.WriteAt(k.line, 0)
	if err == nil {
		k.written = k.state
	}
	return err
}

// close ends the record, once SQLite has closed the database: a log that is gone by then was
// written back.
func (k *logKeeper) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	if info, statErr := os.Stat(k.path + "-wal"); statErr != nil || info.Size() == 0 {
		k.state = logState{}
		err = errors.Join(k.write(true), k.file.Sync())
	}
	if k.index != nil {
		err = errors.Join(err, k.index.Close())
	}
	return errors.Join(err, k.file.Close())
}
