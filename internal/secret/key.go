package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxKeyFile is the maximum size of a key file in bytes; a key has 44 characters.
const maxKeyFile = 1 << 10

// Key is a key for sealing and opening.
type Key = [KeySize]byte

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	rand.Read(k[:]) // never fails: crypto/rand aborts the program instead
	return k
}

// ParseKeys parses keys: 32 bytes each in base64, separated by white space or commas. The first key
// seals. The error does not contain the text.
func ParseKeys(text string) ([]Key, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	keys := make([]Key, max(1, len(words)))
	for i := range keys {
		bits, err := []byte(nil), errors.New("none is given")
		if len(words) > 0 {
			bits, err = base64.StdEncoding.Strict().DecodeString(words[i])
		}
		if err != nil || len(bits) != KeySize {
			return nil, errors.New("a key is 32 random bytes in base64 (44 characters); make one with: openssl rand -base64 32")
		}
		keys[i] = Key(bits)
	}
	return keys, nil
}

// LoadOrCreateKeys reads the keys in a file, one per line. If the file does not exist, it creates
// one with a random key and mode 0600 and returns created as true. Processes that do so
// concurrently get the same key.
func LoadOrCreateKeys(path string) (keys []Key, created bool, err error) {
	keys, err = load(path)
	if !errors.Is(err, os.ErrNotExist) {
		return keys, false, err
	}
	file, err := write(path, NewKey())
	if err == nil {
		err = errors.Join(os.Link(file, path), os.Remove(file)) // unlike a rename, it never replaces
		created = err == nil
	}
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err = errors.Join(err, syncDirectory(filepath.Dir(path))); err != nil {
		return nil, false, fmt.Errorf("create the key file %s: %w", path, err)
	}
	keys, err = load(path)
	return keys, created, err
}

// ReplaceKeys atomically replaces the keys in a key file: after a crash of the process or the
// machine it holds either the old or the new keys.
func ReplaceKeys(path string, keys ...Key) error {
	file, err := write(path, keys...)
	if err == nil {
		if err = os.Rename(file, path); err != nil {
			err = errors.Join(err, os.Remove(file))
		} else {
			err = syncDirectory(filepath.Dir(path))
		}
	}
	if err != nil {
		return fmt.Errorf("write the key file %s: %w", path, err)
	}
	return nil
}

func load(path string) ([]Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, fmt.Errorf("the key file %s is not a key file; it must contain one key per line", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others; restrict it with: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the key file %s: %w", path, err)
	}
	return keys, nil
}

// write writes keys to a new file in the directory of path and returns its name.
func write(path string, keys ...Key) (name string, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // has mode 0600
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, k := range keys {
		text.WriteString(base64.StdEncoding.EncodeToString(k[:]) + "\n")
	}
	_, err = file.WriteString(text.String())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
