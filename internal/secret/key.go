package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxKeyFile bounds what is read of a key file: a key has 44 characters.
const maxKeyFile = 1 << 10

// ParseKey reads a key from its text: 32 bytes in base64, with white space around.
func ParseKey(text string) ([KeySize]byte, error) {
	var k [KeySize]byte
	bits, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace([]byte(text))))
	if err != nil || len(bits) != KeySize {
		return k, errors.New("a key is 32 random bytes in base64 (44 characters); make one with: openssl rand -base64 32")
	}
	copy(k[:], bits)
	return k, nil
}

// LoadOrCreateKey reads the key in a file, and makes a file with a new random key
// (mode 0600) where there is none. Of several processes that create it at once,
// all get the same key.
func LoadOrCreateKey(path string) ([KeySize]byte, error) {
	k, err := load(path)
	if !errors.Is(err, os.ErrNotExist) {
		return k, err
	}
	if err := create(path); err != nil && !errors.Is(err, os.ErrExist) {
		return k, fmt.Errorf("create the key file %s: %w", path, err)
	}
	return load(path)
}

func load(path string) (k [KeySize]byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return k, fmt.Errorf("read the key file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return k, fmt.Errorf("the key file %s is no key file: it must hold one line", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return k, fmt.Errorf("the key file %s can be read by others; restrict it with: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return k, fmt.Errorf("read the key file: %w", err)
	}
	if k, err = ParseKey(string(text)); err != nil {
		return k, fmt.Errorf("read the key file %s: %w", path, err)
	}
	return k, nil
}

// create puts a new key at path, complete or not at all, and leaves alone what is
// there already.
func create(path string) (err error) {
	var k [KeySize]byte
	rand.Read(k[:])
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // has mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(k[:]) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil { // unlike a rename, it never replaces
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
