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
		_, err = t.exec(`INSERT INTO peal.themes (tenant, settings, logo) VALUES ($1, $2, $3)
			ON CONFLICT (tenant) DO UPDATE SET settings = excluded.settings, logo = excluded.logo`, num, string(settings), theme.Logo)
		return err
	})
	return translate("set a theme", err)
}

// Theme implements [peal.ThemeStore].
func (s *Store) Theme(ctx context.Context, tenant string) (peal.Theme, error) {
	var theme peal.Theme
	var settings string
	var logo []byte
	found, err := s.one(ctx, s.pool, `SELECT settings, logo FROM peal.themes WHERE tenant = (SELECT num FROM peal.tenants WHERE name = $1)`, []any{clean(tenant)}, &settings, &logo)
	if err == nil && !found {
		err = noTheme(tenant)
	}
	if err == nil {
		record.Decode([]byte(settings), &theme)
		theme.Logo = logo
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
