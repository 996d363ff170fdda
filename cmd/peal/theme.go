package main

import (
	"io"
	"os"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
)

// themeOf gives the portal's theme of the settings, without its logo.
func themeOf(p *config.Portal) peal.Theme {
	t := peal.Theme{
		Name: p.Name, Mode: peal.ThemeMode(p.Mode), Language: p.Language,
		Light: peal.ThemePalette(p.Light), Dark: peal.ThemePalette(p.Dark),
	}
	for _, part := range p.Hidden {
		t.Hidden = append(t.Hidden, peal.PortalPart(part))
	}
	return t
}

// readLogo reads the file with the portal's logo, and no more of it than may be kept;
// "" gives none.
func readLogo(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "portal.logo", Message: "names a file that cannot be read", Err: err}
	}
	defer file.Close()
	logo, err := io.ReadAll(io.LimitReader(file, peal.MaxThemeLogo+1))
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "portal.logo", Message: "names a file that cannot be read", Err: err}
	}
	return logo, nil
}
