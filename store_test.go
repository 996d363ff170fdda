package peal_test

import (
	"reflect"
	"testing"

	"github.com/pealhq/peal"
)

// TestStoreIsSmall keeps the port of the domain to what publishing and delivering need. A method
// for anything else belongs into an interface of the package that calls it, and into the contract
// in storetest.
func TestStoreIsSmall(t *testing.T) {
	const most = 30
	if n := reflect.TypeFor[peal.Store]().NumMethod(); n > most {
		t.Errorf("peal.Store has %d methods, at most %d are allowed", n, most)
	}
}
