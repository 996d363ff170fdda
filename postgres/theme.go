package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

func noTheme(tenant string) error {
	return peal.Errorf(peal.NotFound, "tenant %q has no theme of its own", tenant)
}

// PutTheme implements [peal.ThemeStore].
func (s *Store) PutTheme(ctx context.Context, tenant string, theme peal.Theme) error {
	settings, err := json.Marshal(theme)
	if err != nil {
		return translate("set a theme", err)
	}
	now := time.Now().UnixMicro()
	err = s.transact(ctx, func(t *tx) error {
		num, err := t.ensureTenant(tenant, now)
		if err != nil {
			return err
		}
		// A theme that another transaction has put meanwhile has another revision too.
		n, err := t.exec(`INSERT INTO peal.themes AS t (tenant, settings, logo) SELECT $1, $2, $3
				WHERE $4 = coalesce((SELECT revision FROM peal.themes WHERE tenant = $1), 0)
			ON CONFLICT (tenant) DO UPDATE SET settings = excluded.settings, logo = excluded.logo, revision = t.revision + 1 WHERE t.revision = $4`,
			num, string(settings), theme.Logo, theme.Revision)
		if err == nil && n == 0 {
			err = peal.ErrRevision
		}
		return err
	})
	return translate("set a theme", err)
}

// Theme implements [peal.ThemeStore].
func (s *Store) Theme(ctx context.Context, tenant string) (peal.Theme, error) {
	var theme peal.Theme
	var settings string
	var logo []byte
	var revision int64
	found, err := s.one(ctx, s.pool, `SELECT settings, logo, revision FROM peal.themes WHERE tenant = (SELECT num FROM peal.tenants WHERE name = $1)`, []any{clean(tenant)}, &settings, &logo, &revision)
	if err == nil && !found {
		err = noTheme(tenant)
	}
	if err == nil {
		record.Decode([]byte(settings), &theme)
		theme.Logo, theme.Revision = logo, revision
	}
	return theme, translate("read a theme", err)
}

// DeleteTheme implements [peal.ThemeStore].
func (s *Store) DeleteTheme(ctx context.Context, tenant string) error {
	n, err := s.exec(ctx, `DELETE FROM peal.themes WHERE tenant = (SELECT num FROM peal.tenants WHERE name = $1)`, clean(tenant))
	if err == nil && n == 0 {
		err = noTheme(tenant)
	}
	return translate("delete a theme", err)
}
