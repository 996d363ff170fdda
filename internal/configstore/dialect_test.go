package configstore_test

import (
	"testing"

	"github.com/pealhq/peal/internal/configstore"
)

func TestDialects(t *testing.T) {
	sqlite, postgres := configstore.SQLite(), configstore.PostgreSQL("other")
	for text, want := range map[string]struct{ sqlite, postgres string }{
		`SELECT ?1, ?12 FROM peal.users`: {`SELECT ?1, ?12 FROM users`, `SELECT $1, $12 FROM other.users`},
		`a = a + ?1 LIMIT +?2`:           {`a = a + ?1 LIMIT +?2`, `a = a + $1 LIMIT $2`},
		`revoked {none} OR revoked {some}`: {
			`revoked IS NULL OR revoked IS NOT NULL`, `revoked = 0 OR revoked > 0`,
		},
		`SELECT 1 [FOR UPDATE], 2 [FOR SHARE]`: {`SELECT 1 , 2 `, `SELECT 1 FOR UPDATE, 2 FOR SHARE`},
		`greatest(a, ?1), instr(key, '/'), peal.a, peal.bc`: {
			`max(a, ?1), instr(key, '/'), a, bc`, `greatest(a, $1), strpos(key, '/'), other.a, other.bc`,
		},
	} {
		for range 2 { // the second time from memory
			if got := sqlite.Text(text); got != want.sqlite {
				t.Errorf("SQLite: %q became %q", text, got)
			}
			if got := postgres.Text(text); got != want.postgres {
				t.Errorf("PostgreSQL: %q became %q", text, got)
			}
		}
	}
}
