package dashboard

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

type keysPage struct {
	typed
	listChoice
	Keys, OperatorKeys []peal.APIKey
	Fresh              string // the text of a new key; shown once
}

// listKeys shows the tenant's keys, and to operators their own.
func (d *Dashboard) listKeys(c *call) error { return c.showKeys(200, &keysPage{}) }

func (c *call) showKeys(status int, p *keysPage) error {
	query := readListChoice(c, &p.listChoice, peal.ParseKeyID)
	query.Tenant = c.tenant
	keys, next, err := manage.FindKeys(c.ctx(), c.d.Store, c.d.Engine, query)
	if err != nil {
		return err
	}
	p.Keys = keys
	p.continueAt("/keys", next)
	if c.who.IsOperator() {
		query.Tenant, query.After = "", manage.ListPlace{}
		if p.OperatorKeys, _, err = manage.FindKeys(c.ctx(), c.d.Store, c.d.Engine, query); err != nil {
			return err
		}
	}
	return c.answer(status, "keys", c.texts.get("menu.keys"), p)
}

// createKey creates a key and shows its text, only this once.
func (d *Dashboard) createKey(c *call) error {
	form, err := c.readForm()
	if err != nil {
		return err
	}
	p := &keysPage{typed: form}
	wanted := manage.NewKey{Name: form.Value("name")}
	if wanted.Tenant, err = c.tenantOfNew(&form); err != nil {
		return err
	}
	for _, name := range form.Values["scopes"] {
		wanted.Scopes = append(wanted.Scopes, peal.KeyScope(name))
	}
	_, text, err := d.keys.Create(c.ctx(), c.actor(""), wanted)
	if err != nil {
		if p.refuse(c.texts, err, "") {
			return c.showKeys(422, p)
		}
		return err
	}
	return c.showKeys(201, &keysPage{Fresh: text})
}

// revokeKey revokes a key on every node.
func (d *Dashboard) revokeKey(c *call) error {
	id, err := c.keyID()
	if err != nil {
		return err
	}
	if err := d.keys.Revoke(c.ctx(), c.actor(""), c.reach(), id); err != nil {
		return c.orGone(err, "error.gone")
	}
	return c.redirect("/keys?done=key_revoked")
}
