package bench

import (
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
