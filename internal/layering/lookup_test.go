package layering_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNamesAreLookedUp holds that handlers get what an address names, and the tenant that
// a form or a header names, through the lookups of their package alone: those ask whether
// the caller sees it.
func TestNamesAreLookedUp(t *testing.T) {
	reads := regexp.MustCompile(`\.PathValue\("(\w+)"\)|Value\("(tenant)"\)|Get\("(tenant)"\)|\.Header\[(tenantHeader)\]`)
	allowed := map[string]string{
		"internal/dashboard/portal.go":       "token",        // lets its holder in
		"internal/dashboard/signin_first.go": "token",        // lets its holder in
		"internal/dashboard/portalplace.go":  "tenant",       // of a cookie, compared with the session's
		"internal/dashboard/tenants.go":      "tenant",       // the name of a new one
		"internal/api/access.go":             "tenantHeader", // the lookup itself
	}
	for _, dir := range []string{"internal/dashboard", "internal/api"} {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			name := dir + "/" + filepath.Base(file)
			if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "lookup.go" {
				continue
			}
			code, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range reads.FindAllStringSubmatch(string(code), -1) {
				if what := strings.Join(found[1:], ""); what != allowed[name] {
					t.Errorf("%s reads %s by itself; take it from a lookup", name, what)
				}
			}
		}
	}
}
