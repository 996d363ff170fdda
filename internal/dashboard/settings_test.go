package dashboard_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
)

// settingsPaths are the pages of who may do what, and of the server.
var settingsPaths = []string{"/all", "/tenants", "/tenants/acme", "/keys", "/users", "/sources", "/presets", "/audit", "/nodes", "/server"}

// signedIn returns an owner of everything who looks at the tenant acme.
func signedIn(t *testing.T) *doorway { return signedInWith(t, func(*dashboard.Options) {}) }

func signedInWith(t *testing.T, page func(*dashboard.Options)) *doorway {
	t.Helper()
	d := newDoorwayWith(t, page)
	d.user("ann")
	if err := d.store.PutTheme(t.Context(), "acme", peal.Theme{Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	d.leads(d.post("/login", url.Values{"name": {"ann"}, "password": {password}}), "/")
	d.leads(d.post("/tenant", url.Values{"tenant": {"acme"}}), "/")
	return d
}

// shows fails the test unless the page is answered so and has all of the texts.
func (d *doorway) shows(p page, status int, texts ...string) {
	d.Helper()
	if p.StatusCode != status {
		d.Errorf("%s %s answered %d, not %d: %s", p.Request.Method, p.Request.URL.Path, p.StatusCode, status, p.body)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			d.Errorf("%s %s does not show %q: %s", p.Request.Method, p.Request.URL.Path, text, p.body)
		}
	}
}

func TestSettingsPages(t *testing.T) {
	d := signedIn(t)
	for _, path := range settingsPaths {
		for _, language := range []string{"en", "de"} {
			got := d.get(path, "Accept-Language", language)
			d.shows(got, http.StatusOK, `<html lang="`+language+`"`, `aria-current="page"`)
		}
	}
}

func TestKeys(t *testing.T) {
	d := signedIn(t)
	d.shows(d.post("/keys", url.Values{"name": {"shop"}}), 422, `value="shop"`, "set one or more of publish, manage and read")
	made := d.post("/keys", url.Values{"name": {"shop"}, "scopes": {"publish", "read"}})
	d.shows(made, 201, "shown this once", "peal_")
	text := regexp.MustCompile(`peal_[\w-]{43}`).FindString(made.body)
	key, err := d.store.KeyByHash(t.Context(), peal.HashKey(text))
	if err != nil || key.Tenant != "acme" || len(key.Scopes) != 2 {
		t.Fatalf("the key is %+v: %v", key, err)
	}
	d.shows(d.post("/keys", url.Values{"name": {"prometheus"}, "scopes": {"metrics"}}), 201, "shown this once", "<code>metrics</code>")
	d.shows(d.post("/keys", url.Values{"name": {"both"}, "scopes": {"metrics", "read"}}), 422, "must be either metrics alone")
	if again := d.get("/keys"); strings.Contains(again.body, text) || !strings.Contains(again.body, "shop") {
		t.Errorf("the key shows again, or not at all: %s", again.body)
	}
	d.leads(d.post("/keys/"+key.ID.String()+"/revoke", nil), "/keys?done=key_revoked")
	if _, err := d.store.KeyByHash(t.Context(), peal.HashKey(text)); peal.CodeOf(err) != peal.NotFound {
		t.Errorf("the key still works: %v", err)
	}
	d.shows(d.get("/audit?action=key.revoke"), 200, key.ID.String(), "ann")
	if export := d.get("/audit/export?action=key.create"); !strings.HasPrefix(export.body, "at,tenant,actor_kind") || strings.Count(export.body, "\n") != 3 {
		t.Errorf("the export is %s", export.body)
	}
}

func TestUsers(t *testing.T) {
	d := signedIn(t)
	d.shows(d.post("/users", url.Values{"name": {"Bob"}, "role": {"viewer"}, "password": {"short"}}), 422, `value="Bob"`, "fault")
	made := d.post("/users", url.Values{"name": {"Bob"}, "role": {"viewer"}, "password": {password}})
	path, _, _ := strings.Cut(made.Header.Get("Location"), "?")
	d.shows(d.get(path), 200, "bob", "Never signed in")
	d.shows(d.post("/users", url.Values{"name": {"bob"}, "role": {"viewer"}, "password": {password}}), 422, "fault")
	d.shows(d.post(path, url.Values{"was": {"owner"}, "role": {"editor"}}), 409, "Somebody else has changed this user", `<option value="editor" selected>`)
	d.leads(d.post(path, url.Values{"was": {"viewer"}, "role": {"editor"}}), path+"?done=user_saved")
	if user, err := d.store.UserByName(t.Context(), "bob"); err != nil || user.Role != peal.RoleEditor || user.Tenant != "acme" {
		t.Errorf("the user is %+v: %v", user, err)
	}
	d.leads(d.post(path+"/delete", nil), "/users?done=user_deleted")
	d.shows(d.get(path), 404)
}

func TestSources(t *testing.T) {
	d := signedIn(t)
	d.shows(d.post("/sources", url.Values{"name": {"tasks"}, "format": {"vikunja"}, "dedup": {"id"}}), 422, `value="tasks"`, "is missing")
	d.leads(d.post("/sources", url.Values{"name": {"tasks"}, "format": {"vikunja"}, "dedup": {"id"}, "secret": {"what the sender signs with"}}), "/sources?done=source_created")
	d.shows(d.get("/sources"), 200, "tasks", d.url+"/in/source_", "the signature over the body")
}

var (
	revisionField = regexp.MustCompile(`name="revision" value="(\d+)"`)
	madeSecret    = regexp.MustCompile(`id="made" value="([^"]+)"`)
)

func TestEditSource(t *testing.T) {
	d := signedIn(t)
	d.post("/sources", url.Values{"name": {"tasks"}, "format": {"vikunja"}, "dedup": {"id"}, "secret": {"the first secret"}})
	sources, err := d.store.Sources(t.Context(), "acme", peal.SourceID{}, 10)
	if err != nil || len(sources) != 1 {
		t.Fatal(sources, err)
	}
	path := "/sources/" + sources[0].ID.String()
	page := d.get(path)
	d.shows(page, 200, d.url+"/in/source_")
	if strings.Contains(page.body, "the first secret") {
		t.Error("the page shows the secret")
	}
	edited := url.Values{"format": {"github"}, "dedup": {"body"}, "description": {"from the board"}, "revision": {revisionField.FindStringSubmatch(page.body)[1]}}
	d.leads(d.post(path, edited), "/sources?done=source_saved")
	now := func() peal.Source {
		t.Helper()
		source, err := d.store.Source(t.Context(), "acme", sources[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	if s := now(); s.Format != "github" || s.Dedup != peal.DedupBody || s.Description != "from the board" || s.Secrets[0].Value != "the first secret" {
		t.Errorf("the source is %+v", s)
	}
	// The second of two people sees the first one's changes, and may overwrite them.
	edited.Set("description", "mine")
	conflict := d.post(path, edited)
	d.shows(conflict, 409, "Somebody else has changed this source", "from the board", "mine")
	edited.Set("revision", revisionField.FindStringSubmatch(conflict.body)[1])
	d.leads(d.post(path, edited), "/sources?done=source_saved")

	d.shows(d.post(path+"/secret/rotate", url.Values{"overlap": {"721"}}), 422, "from 0 to 720 hours")
	rotated := d.post(path+"/secret/rotate", url.Values{"overlap": {"720"}})
	d.shows(rotated, 200, "An earlier secret is taken too")
	if s := now(); len(s.Secrets) != 2 || s.Secrets[0].Value != madeSecret.FindStringSubmatch(rotated.body)[1] || s.Secrets[1].Value != "the first secret" {
		t.Errorf("after the rotation the secrets are %+v", s.Secrets)
	}
	edited.Set("unverified", "on")
	edited.Set("revision", revisionField.FindStringSubmatch(rotated.body)[1])
	d.leads(d.post(path, edited), "/sources?done=source_saved")
	d.shows(d.post(path+"/secret/rotate", url.Values{"overlap": {"0"}}), 422, "no secret to change")
	edited.Del("unverified")
	edited.Set("revision", revisionField.FindStringSubmatch(d.get(path).body)[1])
	d.shows(d.post(path, edited), 422, "is missing; set")
}

func TestPresets(t *testing.T) {
	d := signedIn(t)
	d.leads(d.post("/presets/vikunja", nil), "/presets?done=preset_applied")
	tenant, err := d.store.Tenant(t.Context(), "acme")
	if err != nil || tenant.Format != "vikunja" || tenant.RetryPolicy == nil {
		t.Errorf("the tenant is %+v: %v", tenant, err)
	}
	d.shows(d.get("/presets"), 200, "in use")
	d.shows(d.post("/presets/none", nil), 404)
}

var wasField = regexp.MustCompile(`name="was" value="([^"]*)"`)

func TestThemeOfTenant(t *testing.T) {
	d := signedIn(t)
	was := wasField.FindStringSubmatch(d.get("/tenants/acme").body)[1]
	d.shows(d.post("/tenants/acme", url.Values{"was": {was}, "theme_name": {"Acme"}, "light.brand": {"#ffdd00"}}), 422, `value="#ffdd00"`, "at least 4.5 to 1 is needed", "take #")
	d.leads(d.post("/tenants/acme", url.Values{"was": {was}, "theme_name": {"Acme hooks"}, "light.brand": {"#005F73"}, "hidden": {"events", "tests"}, "language": {"de"}}), "/tenants/acme?done=tenant_saved")
	theme, err := d.store.Theme(t.Context(), "acme")
	if err != nil || theme.Name != "Acme hooks" || theme.Light.Brand != "#005f73" || len(theme.Hidden) != 2 || theme.Language != "de" {
		t.Errorf("the theme is %+v: %v", theme, err)
	}
	// Another person who started before that sees the difference, and the typed values.
	d.shows(d.post("/tenants/acme", url.Values{"was": {was}, "theme_name": {"Other"}}), 409, "Somebody else has changed this tenant", "Acme hooks", `value="Other"`)
}

// TestViewersCannotSet has a viewer of one tenant ask for every page of the settings.
func TestViewersCannotSet(t *testing.T) {
	d := signedIn(t)
	d.post("/users", url.Values{"name": {"vera"}, "role": {"viewer"}, "password": {password}})
	d.leads(d.post("/logout", nil), "/login")
	d.leads(d.post("/login", url.Values{"name": {"vera"}, "password": {password}}), "/")
	for _, path := range settingsPaths {
		d.shows(d.get(path), 403)
	}
	if home := d.get("/"); strings.Contains(home.body, `href="/keys"`) {
		t.Error("the menu of a viewer leads to the keys")
	}
}
