// Package secret seals and opens secrets at rest with AES-256-GCM (NIST SP 800-38D). A sealed value
// contains the ID of its key, so that keys can be rotated while values sealed with old ones still
// open.
package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/pealhq/peal"
)

// A sealed value is the version, the key's id, the nonce and the ciphertext with
// its tag. Everything before the ciphertext is authenticated with it.
const (
	version   = 1
	idSize    = 4
	nonceSize = 12 // random: safe for 2^32 values per key, far more than webhooks change
	headSize  = 1 + idSize + nonceSize
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Sealer seals with its first key and opens with any of its keys. It is safe for
// concurrent use.
type Sealer struct{ keys atomic.Pointer[[]key] }

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

var _ peal.Sealer = (*Sealer)(nil)

// NewSealer creates a Sealer with one or more keys. The first one seals; the others are earlier
// ones.
func NewSealer(keys ...[KeySize]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("make a sealer: no key is given")
	}
	list := make([]key, len(keys))
	for i := range keys {
		var err error
		if list[i], err = newKey(keys[i]); err != nil {
			return nil, fmt.Errorf("make a sealer: key %d: %w", i+1, err)
		}
	}
	s := &Sealer{}
	s.keys.Store(&list)
	return s, nil
}

func newKey(k [KeySize]byte) (key, error) {
	if k == ([KeySize]byte{}) {
		return key{}, errors.New("it is all zeros")
	}
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCM(block)
	return key{idOf(k), aead}, err
}

// Use sets the key for sealing. Earlier keys still open.
func (s *Sealer) Use(k [KeySize]byte) error {
	first, err := newKey(k)
	if err != nil {
		return fmt.Errorf("use another key: %w", err)
	}
	for {
		before := s.keys.Load()
		list := append([]key{first}, *before...)
		if s.keys.CompareAndSwap(before, &list) {
			return nil
		}
	}
}

// KeyIDs returns the IDs of the keys in hexadecimal, the sealing key first. An ID reveals nothing
// about its key.
func (s *Sealer) KeyIDs() []string {
	var ids []string
	for _, k := range *s.keys.Load() {
		ids = append(ids, hex.EncodeToString(k.id[:]))
	}
	return ids
}

// Mark implements [peal.Sealer].
func (s *Sealer) Mark() []byte {
	id := (*s.keys.Load())[0].id
	return append([]byte{version}, id[:]...)
}

// idOf returns the ID of a key, which reveals nothing about it.
func idOf(k [KeySize]byte) (id [idSize]byte) {
	sum := sha256.Sum256(append([]byte("peal key id\x00"), k[:]...))
	copy(id[:], sum[:])
	return id
}

// Seal implements [peal.Sealer].
func (s *Sealer) Seal(plain, bound []byte) ([]byte, error) {
	k := (*s.keys.Load())[0]
	sealed := make([]byte, headSize, headSize+len(plain)+k.aead.Overhead())
	sealed[0] = version
	copy(sealed[1:], k.id[:])
	rand.Read(sealed[1+idSize:]) // never fails: crypto/rand aborts the program instead
	return k.aead.Seal(sealed, sealed[1+idSize:], plain, associated(sealed, bound)), nil
}

// Open implements [peal.Sealer]. It fails if the value's key is missing, if the value was modified,
// and if it is bound to other data.
func (s *Sealer) Open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < headSize || sealed[0] != version {
		return nil, errors.New("open a secret: it is no sealed value of a version known here")
	}
	for _, k := range *s.keys.Load() {
		if !bytes.Equal(k.id[:], sealed[1:1+idSize]) {
			continue
		}
		plain, err := k.aead.Open(nil, sealed[1+idSize:headSize], sealed[headSize:], associated(sealed, bound))
		if err != nil {
			return nil, errors.New("open a secret: it was changed since it was sealed, or belongs to something else")
		}
		return plain, nil
	}
	return nil, fmt.Errorf("open a secret: it was sealed with the key %x: %w", sealed[1:1+idSize], peal.ErrUnknownKey)
}

// associated returns the additional authenticated data of a ciphertext.
func associated(sealed, bound []byte) []byte {
	return append(append(make([]byte, 0, 1+idSize+len(bound)), sealed[:1+idSize]...), bound...)
}
