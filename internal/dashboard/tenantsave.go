package dashboard

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// saveTenant saves a tenant's settings and theme. If somebody else saved others meanwhile, the form
// shows the differences, and can be saved again over them.
func (d *Dashboard) saveTenant(c *call) error {
	if err := c.r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	form, err := c.readForm()
	if err != nil {
		return err
	}
	found, theirs, err := c.findTenant()
	if err != nil {
		return err
	}
	logo, err := c.logo(theirs.Logo)
	if err != nil {
		return err
	}
	p := &tenantPage{typed: form}
	look := theirs
	applyTheme(&form, &look, logo)
	_, err = d.tenants.Change(c.ctx(), c.actor(""), found.Name, "settings", func(t *peal.Tenant) error {
		stored := tenantValues(t, &theirs)
		applyTenant(&form, t)
		if form.Value("was") == fingerprint(stored) {
			return d.tenants.CheckTheme(look)
		}
		p.Theirs = c.tenantDifferences(stored, tenantValues(t, &look))
		return errChanged
	})
	if err == nil && !reflect.DeepEqual(theirs, look) {
		err = d.tenants.ChangeTheme(c.ctx(), c.actor(""), found.Name, func(t *peal.Theme) error {
			if t.Revision != theirs.Revision {
				p.Theirs = c.tenantDifferences(tenantValues(&found, t), tenantValues(&found, &look))
				return errChanged
			}
			*t = look
			return nil
		})
	}
	switch {
	case err == nil:
		return c.redirect(tenantPath(found.Name) + "?done=tenant_saved")
	case errors.Is(err, errChanged):
		return c.tenantPage(409, p)
	case p.refuseTheme(c.texts, err):
		return c.tenantPage(422, p)
	}
	return err
}

// applyTenant sets the settings of a tenant to the typed values.
func applyTenant(form *typed, t *peal.Tenant) {
	t.Description, t.Format, t.Catalogue = form.Value("description"), form.Value("format"), strings.TrimSpace(form.Value("catalogue"))
}

// applyTheme sets a theme to the typed values.
func applyTheme(form *typed, look *peal.Theme, logo []byte) {
	look.Name, look.Mode, look.Language = strings.TrimSpace(form.Value("theme_name")), peal.ThemeMode(form.Value("mode")), form.Value("language")
	look.Hidden = nil
	for _, part := range form.Values["hidden"] {
		look.Hidden = append(look.Hidden, peal.PortalPart(part))
	}
	for name, colour := range coloursOf(look) {
		*colour = strings.ToLower(strings.TrimSpace(form.Value(name)))
	}
	look.Logo = logo
}

// tenantDifferences returns the fields of a tenant's form that differ from the stored values.
func (c *call) tenantDifferences(stored, yours url.Values) []difference {
	var found []difference
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if !slices.Equal(stored[name], yours[name]) {
			found = append(found, difference{c.texts.get("tenant.field." + name), strings.Join(stored[name], ", "), strings.Join(yours[name], ", ")})
		}
	}
	return found
}

// logo returns the picture that was sent, or else the earlier one.
func (c *call) logo(before []byte) ([]byte, error) {
	if c.r.PostFormValue("logo_none") != "" {
		return nil, nil
	}
	if c.r.MultipartForm == nil || len(c.r.MultipartForm.File["logo"]) == 0 || c.r.MultipartForm.File["logo"][0].Size == 0 {
		return before, nil
	}
	file, err := c.r.MultipartForm.File["logo"][0].Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, peal.MaxThemeLogo+1))
}

// refuseTheme adds each fault to its field of the form.
func (p *tenantPage) refuseTheme(t *texts, err error) bool {
	faults := peal.FaultsOf(err)
	for _, one := range faults {
		field, _, _ := strings.Cut(one.Field, "[")
		if field == "name" {
			field = "theme_name"
		}
		if field == "" {
			return false
		}
		if p.Faults[field] == "" {
			p.Faults[field] = t.fault(one)
		}
	}
	return len(faults) > 0
}

// deleteTheme deletes a tenant's theme, so that its portal has the deployment's.
func (d *Dashboard) deleteTheme(c *call) error {
	tenant, _, err := c.findTenant()
	if err != nil {
		return err
	}
	if err := d.tenants.DeleteTheme(c.ctx(), c.actor(""), tenant.Name); err != nil {
		return err
	}
	return c.redirect(tenantPath(tenant.Name) + "?done=tenant_saved")
}
