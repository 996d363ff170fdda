package dashboard_test

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
)

// pageOptions are what the pages need in these tests.
func pageOptions(_ peal.Store, who *identity.Identity) dashboard.Options {
	return dashboard.Options{Identity: who}
}
