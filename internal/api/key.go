package api

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

var operatorParam = param{"operator", "true lists the operator's keys instead; for operators only.", huma.Schema{Type: "string", Enum: []any{"true", "false"}}}

// KeyShape is a key without its text. It has a capital because the document leaves out what
// is embedded under a small one.
type KeyShape struct {
	ID        peal.KeyID `json:"id"`
	Name      string     `json:"name"`
	Tenant    *string    `json:"tenant" doc:"Whose key it is; null for an operator's."`
	Scopes    []string   `json:"scopes" nullable:"false" doc:"What it may do; an operator's key may do everything."`
	Hint      string     `json:"hint" doc:"The last four characters of its text."`
	CreatedAt string     `json:"created_at" format:"date-time"`
	RevokedAt *string    `json:"revoked_at" format:"date-time" doc:"When it was revoked; null while it is good."`
}

type createdKeyShape struct {
	KeyShape
	Key string `json:"key" doc:"The key's text. Shown this once."`
}

type keyInput struct {
	Name     given[string]   `json:"name" minLength:"1" maxLength:"128" doc:"What people call it."`
	Scopes   given[[]string] `json:"scopes,omitempty" enum:"publish,manage,read" maxItems:"3" doc:"What it may do; needed unless operator is true."`
	Operator given[bool]     `json:"operator,omitempty" doc:"Makes an operator's key, which may do everything for every tenant; for operators only."`
}

// actionOf is what a scope lets a key do at least.
var actionOf = map[peal.Scope]identity.Action{peal.ScopePublish: publish, peal.ScopeManage: manage, peal.ScopeRead: read}

func keyOf(k *peal.Key) KeyShape {
	shape := KeyShape{
		ID: k.ID, Name: k.Name, Tenant: textOrNil(k.Tenant), Scopes: []string{}, Hint: k.Hint,
		CreatedAt: timeText(k.CreatedAt()), RevokedAt: timeOrNil(k.RevokedAt),
	}
	for _, scope := range k.Scopes {
		shape.Scopes = append(shape.Scopes, string(scope))
	}
	return shape
}

func (a *API) listKeys(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(keyList)
	ofOperator := q.choice("operator", "true", "false") == "true"
	if err := q.err(); err != nil {
		return err
	}
	tenant := c.tenant
	if ofOperator {
		if !c.caller.IsOperator() {
			return refuse(forbidden, "only an operator may list the operator's keys")
		}
		tenant = ""
	}
	before, err := idOrZero(cursor, peal.ParseKeyID)
	if err != nil {
		return err
	}
	rows, err := a.Store.Keys(c.context(), tenant, before, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(keyList, rows, limit, keyOf, func(k *peal.Key) string { return k.ID.String() }))
}

func (a *API) createKey(c *call) error {
	var in keyInput
	if err := c.read(&in); err != nil {
		return err
	}
	text := peal.NewKeyText()
	key := peal.Key{ID: peal.NewKeyID(), Tenant: c.tenant, Name: in.Name.Value, Hash: peal.HashKey(text), Hint: text[len(text)-4:]}
	for _, name := range in.Scopes.Value {
		if scope := peal.Scope(name); !slices.Contains(key.Scopes, scope) {
			key.Scopes = append(key.Scopes, scope)
		}
	}
	if in.Operator.Value {
		if !c.caller.IsOperator() {
			return refuse(forbidden, "only an operator may create an operator's key")
		}
		if len(key.Scopes) > 0 {
			return faults{{Location: "body.scopes", Message: "must be absent: an operator's key may do everything"}}
		}
		key.Tenant = ""
	}
	if err := key.Validate(); err != nil {
		return err
	}
	for _, scope := range key.Scopes {
		if !c.caller.Can(actionOf[scope]) {
			return refuse(forbidden, "the key lacks the scope %s, so it cannot give it to another", scope)
		}
	}
	if err := a.Store.CreateKey(c.context(), key); err != nil {
		return err
	}
	c.about(key.Tenant, key.ID.String())
	return c.json(201, createdKeyShape{keyOf(&key), text})
}

func (a *API) revokeKey(c *call) error {
	id, err := pathID(c, peal.ParseKeyID, "key")
	if err != nil {
		return err
	}
	tenant := c.tenant
	if c.caller.IsOperator() {
		tenant = "" // any key
	}
	if err := a.Identity.RevokeKey(c.context(), tenant, id); err != nil {
		return orMissing(err, "key")
	}
	return c.empty()
}
