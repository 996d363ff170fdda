package dashboard

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/theme"
)

// saveTenant saves a tenant's settings and theme, unless somebody else did meanwhile:
// then the form shows the difference and can be saved on top of it.
func (d *Dashboard) saveTenant(c *call) error {
	if err := c.r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	form, err := c.readForm()
	if err != nil {
		return err
	}
	tenant, look, err := c.findTenant()
	if err != nil {
		return err
	}
	stored := tenantValues(&tenant, &look)
	before := look
	tenant.Description, tenant.Format, tenant.Catalogue = form.Value("description"), form.Value("format"), strings.TrimSpace(form.Value("catalogue"))
	if tenant.Catalogue == peal.DefaultCatalogue {
		tenant.Catalogue = ""
	}
	look.Name, look.Mode, look.Language = strings.TrimSpace(form.Value("theme_name")), peal.ThemeMode(form.Value("mode")), form.Value("language")
	look.Hidden = nil
	for _, part := range form.Values["hidden"] {
		look.Hidden = append(look.Hidden, peal.Part(part))
	}
	for name, colour := range coloursOf(&look) {
		*colour = strings.ToLower(strings.TrimSpace(form.Value(name)))
	}
	if look.Logo, err = c.logo(look.Logo); err != nil {
		return err
	}
	p := &tenantPage{typed: form}
	if form.Value("was") != fingerprint(stored) {
		yours := tenantValues(&tenant, &look)
		for name := range stored {
			if !reflect.DeepEqual(stored[name], yours[name]) {
				p.Theirs = append(p.Theirs, difference{c.texts.get("tenant.field." + name), strings.Join(stored[name], ", "), strings.Join(yours[name], ", ")})
			}
		}
		return c.tenantPage(409, p)
	}
	err = tenant.Validate()
	if _, known := d.Engine.Format(tenant.Format); err == nil && tenant.Format != "" && !known {
		err = peal.Invalidf("format", "%s", c.texts.get("tenant.no_format"))
	}
	if err == nil {
		err = theme.Validate(d.identity.OverDeployment(look))
	}
	if err != nil {
		if p.refuseTheme(c.texts, err) {
			return c.tenantPage(422, p)
		}
		return err
	}
	if err := d.Store.UpdateTenant(c.ctx(), tenant); err != nil {
		return err
	}
	c.refresh()
	detail := "settings"
	if !reflect.DeepEqual(before, look) {
		if err := d.Store.PutTheme(c.ctx(), tenant.Name, look); err != nil {
			return err
		}
		detail = "theme"
	}
	if err := c.recordFor(tenant.Name, "tenant.update", tenant.Name, detail); err != nil {
		return err
	}
	return c.redirect(tenantPath(tenant.Name) + "?done=tenant_saved")
}

// logo gives the picture that was sent; the one there was when none was.
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

// refuseTheme puts an error at its field, as the form names it.
func (p *tenantPage) refuseTheme(t *texts, err error) bool {
	var known *peal.Error
	if !errors.As(err, &known) || known.Code != peal.Invalid || known.Field == "" {
		return false
	}
	field, _, _ := strings.Cut(known.Field, "[")
	if field == "name" {
		field = "theme_name"
	}
	p.Faults[field] = t.said(known.Message)
	return true
}

// deleteTheme has a tenant's portal look as the deployment's.
func (d *Dashboard) deleteTheme(c *call) error {
	tenant, _, err := c.findTenant()
	if err != nil {
		return err
	}
	if err := d.Store.DeleteTheme(c.ctx(), tenant.Name); err != nil {
		return err
	}
	if err := c.recordFor(tenant.Name, "tenant.update", tenant.Name, "theme taken away"); err != nil {
		return err
	}
	return c.redirect(tenantPath(tenant.Name) + "?done=tenant_saved")
}
