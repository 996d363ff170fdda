package bodies

import (
	"bytes"
	"errors"
	"io"
)

// ErrTooLarge is the error of a body that is larger than its limit.
var ErrTooLarge = errors.New("the body is too large")

const (
	// firstPiece is the memory allocated before the first byte of a body arrives, in bytes.
	firstPiece = 16 << 10
	// prompt is the number of bytes that must arrive before the announced length is allocated, if
	// that is at most eight times as much, so that the body need not be copied again.
	prompt = 1 << 20
)

// Read reads a body into new memory, which the caller may keep. length is the announced length or
// -1. A body of more than limit bytes is [ErrTooLarge]. The memory doubles as bytes arrive and is
// charged to the account until it is closed.
func (a *Account) Read(body io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, ErrTooLarge
	}
	known, whole := length >= 0, length
	if !known {
		whole = limit + 1 // one byte more, to detect an excess
	}
	size := min(whole, firstPiece)
	if err := a.Take(size); err != nil {
		return nil, err
	}
	text := make([]byte, size)
	for read := 0; ; {
		n, err := fill(body, text[read:])
		switch read += n; {
		case !known && err == io.EOF:
			if int64(read) <= size/4*3 { // published data stays in memory
				text = bytes.Clone(text[:read])
				a.Release(size - int64(read))
			}
			return text[:read:read], nil
		case err == io.EOF:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case int64(read) == whole && known:
			return text, nil
		case int64(read) == whole:
			return nil, ErrTooLarge
		}
		grown := min(2*size, whole)
		if known && size >= prompt {
			grown = whole
		}
		if err := a.Take(grown); err != nil {
			return nil, err
		}
		larger := make([]byte, grown)
		copy(larger, text)
		text = larger
		a.Release(size)
		size = grown
	}
}

// fill is like io.ReadFull, but returns the reader's error, which is io.EOF only at the regular end
// of a body.
func fill(body io.Reader, into []byte) (int, error) {
	for read := 0; ; {
		if read == len(into) {
			return read, nil
		}
		n, err := body.Read(into[read:])
		read += n
		if err != nil && read < len(into) {
			return read, err
		}
	}
}
