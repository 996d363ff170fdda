package configstore

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

var themes = table[peal.Theme]{
	` FROM peal.themes`,
	func(t *peal.Theme) []Column {
		return []Column{
			decoded("settings", func(text string) error {
				*t = peal.Theme{}
				record.Decode([]byte(text), t)
				return nil
			}),
			Blob("logo", &t.Logo), Int("revision", &t.Revision),
		}
	},
}

func noTheme(tenant string) error {
	return peal.Fail(peal.NotFound, message.NoTheme, strconv.Quote(tenant))
}

// PutTheme implements [storetest.ThemeStore].
func (s *Store) PutTheme(ctx context.Context, tenant string, theme peal.Theme) error {
	settings, err := json.Marshal(theme)
	if err != nil {
		return s.db.Translate("set a theme", err)
	}
	now := time.Now()
	err = s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		num, err := tx.EnsureTenant(tenant, now)
		if err != nil {
			return err
		}
		// A theme that another transaction has put meanwhile has another revision too.
		n, err := tx.Exec(`INSERT INTO peal.themes AS t (tenant, settings, logo) SELECT ?1, ?2, ?3
				WHERE ?4 = coalesce((SELECT revision FROM peal.themes WHERE tenant = ?1), 0)
			ON CONFLICT (tenant) DO UPDATE SET settings = excluded.settings, logo = excluded.logo, revision = t.revision + 1
				WHERE t.revision = ?4`, num, string(settings), theme.Logo, theme.Revision)
		if err == nil && n == 0 {
			err = peal.ErrRevision
		}
		return err
	})
	return s.db.Translate("set a theme", err)
}

// Theme implements [storetest.ThemeStore].
func (s *Store) Theme(ctx context.Context, tenant string) (peal.Theme, error) {
	theme, err := themes.one(s.db.Reader(ctx), noTheme(tenant),
		` WHERE tenant = (SELECT num FROM peal.tenants WHERE name = ?1)`, tenant)
	return theme, s.db.Translate("read a theme", err)
}

// DeleteTheme implements [storetest.ThemeStore].
func (s *Store) DeleteTheme(ctx context.Context, tenant string) error {
	n, err := s.db.Exec(ctx, Cost{Rows: 1},
		`DELETE FROM peal.themes WHERE tenant = (SELECT num FROM peal.tenants WHERE name = ?1)`, tenant)
	if err == nil && n == 0 {
		err = noTheme(tenant)
	}
	return s.db.Translate("delete a theme", err)
}
