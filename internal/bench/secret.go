package bench

import (
	"crypto/rand"
	"encoding/base64"
	"errors"

	"github.com/pealhq/peal/wire"
)

// newSecret makes the secret that every delivery of a run is signed with.
func newSecret() (string, error) {
	format, ok := wire.Lookup("standard")
	if !ok {
		return "", errors.New("there is no format standard")
	}
	return format.NewSecret(), nil
}

// newSealing makes the key that a database's secrets are sealed with.
func newSealing() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}
