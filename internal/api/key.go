package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	managing "github.com/pealhq/peal/internal/manage"
)

var operatorParam = param{"operator", "true lists the operator's keys instead; for operators only.",
	huma.Schema{Type: "string", Enum: []any{"true", "false"}}}

// KeyShape is a key without its text. It is exported because the OpenAPI document omits embedded
// unexported types.
type KeyShape struct {
	ID        peal.KeyID `json:"id"`
	Name      string     `json:"name"`
	Tenant    *string    `json:"tenant" doc:"The tenant of the key; null for an operator's key and for one with the scope metrics."`
	Scopes    []string   `json:"scopes" nullable:"false" doc:"What it may do; an operator's key may do everything."`
	Hint      string     `json:"hint" doc:"The last four characters of its text."`
	CreatedAt string     `json:"created_at" format:"date-time"`
	RevokedAt *string    `json:"revoked_at" format:"date-time" doc:"When it was revoked; null while it is valid."`
}

type createdKeyShape struct {
	KeyShape
	Key string `json:"key" doc:"The key's text. Shown this once."`
}

type keyInput struct {
	Name     given[string]   `json:"name" minLength:"1" maxLength:"128" doc:"A name for people."`
	Scopes   given[[]string] `json:"scopes,omitempty" enum:"publish,manage,read,metrics" doc:"What it may do; required unless operator is true. metrics cannot be combined with others: such a key belongs to no tenant, reads only /metrics, and only an operator may create it."`
	Operator given[bool]     `json:"operator,omitempty" doc:"Creates an operator's key, which may do everything for every tenant; for operators only."`
}

func keyOf(k *peal.APIKey) KeyShape {
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
	query, kind := list(q, orderedKinds{keyList, oldKeyList, namedKeyList}, peal.ParseKeyID)
	ofOperator := q.choice("operator", "true", "false") == "true"
	if err := q.err(); err != nil {
		return err
	}
	query.Tenant = c.tenant
	if ofOperator {
		if !c.caller.IsOperator() {
			return refuse(forbidden, "only an operator may list the operator's keys")
		}
		query.Tenant = ""
	}
	rows, next, err := managing.FindKeys(c.context(), a.Store, a.Engine, query)
	if err != nil {
		return err
	}
	return c.json(200, found(kind, rows, next, keyOf))
}

func (a *API) createKey(c *call) error {
	var in keyInput
	if err := c.read(&in); err != nil {
		return err
	}
	wanted := managing.NewKey{Tenant: c.tenant, Name: in.Name.Value}
	for _, scope := range in.Scopes.Value {
		wanted.Scopes = append(wanted.Scopes, peal.KeyScope(scope))
	}
	if in.Operator.Value {
		wanted.Tenant = ""
	}
	key, text, err := a.keys.Create(c.context(), c.actor(), wanted)
	if err != nil {
		return err
	}
	return c.json(201, createdKeyShape{keyOf(&key), text})
}

func (a *API) revokeKey(c *call) error {
	id, err := pathID(c, peal.ParseKeyID, "key")
	if err != nil {
		return err
	}
	tenant := c.tenant
	if c.caller.IsOperator() {
		tenant = "" // of any tenant
	}
	if err := a.keys.Revoke(c.context(), c.actor(), tenant, id); err != nil {
		return orMissing(err, "key")
	}
	return c.empty()
}
