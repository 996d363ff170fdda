package sqlite

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
	now := time.Now()
	err = s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		num, err := w.ensureTenant(tenant, now)
		if err != nil {
			return err
		}
		stored, _, err := w.conn.number(`SELECT revision FROM themes WHERE tenant = ?`, num)
		if err != nil {
			return err
		}
		if stored != theme.Revision {
			return refuse(peal.ErrRevision)
		}
		_, err = w.conn.exec(`INSERT INTO themes (tenant, settings, logo) VALUES (?, ?, ?)
			ON CONFLICT (tenant) DO UPDATE SET settings = excluded.settings, logo = excluded.logo, revision = themes.revision + 1`, num, string(settings), theme.Logo)
		return err
	}})
	return translate("set a theme", err)
}

// Theme implements [peal.ThemeStore].
func (s *Store) Theme(ctx context.Context, tenant string) (peal.Theme, error) {
	var theme peal.Theme
	found := false
	err := s.query(ctx, `SELECT settings, logo, revision FROM themes WHERE tenant = (SELECT num FROM tenants WHERE name = ?)`, func(r row) error {
		found = true
		record.Decode([]byte(r.text(0)), &theme)
		theme.Revision = r.int(2)
		if r[1] != nil {
			theme.Logo = append([]byte(nil), r.blob(1)...)
		}
		return nil
	}, tenant)
	if err == nil && !found {
		err = noTheme(tenant)
	}
	return theme, translate("read a theme", err)
}

// DeleteTheme implements [peal.ThemeStore].
func (s *Store) DeleteTheme(ctx context.Context, tenant string) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM themes WHERE tenant = (SELECT num FROM tenants WHERE name = ?)`, tenant)
		if err == nil && n == 0 {
			return refuse(noTheme(tenant))
		}
		return err
	}})
	return translate("delete a theme", err)
}
