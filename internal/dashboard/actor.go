package dashboard

import (
	"errors"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
)

// errChanged reports that somebody else has changed what a form was made of.
var errChanged = errors.New("changed meanwhile")

// scopeNeeds is what somebody must be allowed to give a scope to a key.
var scopeNeeds = map[peal.Scope]identity.Action{peal.ScopePublish: identity.Publish, peal.ScopeManage: identity.Manage, peal.ScopeRead: identity.Read}

// actor is the caller as one who changes something; about is the detail that the audit
// log has where the change itself says none.
func (c *call) actor(about string) manage.Actor {
	actor := manage.Actor{
		Operator: c.who.IsOperator(), Tenant: c.tenant, Reveal: c.who.Can(identity.Reveal),
		Record: func(e manage.Entry) error {
			if e.Detail == "" {
				e.Detail = about
			}
			return c.d.identity.Record(c.r, c.who, identity.Entry(e))
		},
	}
	for _, scope := range []peal.Scope{peal.ScopePublish, peal.ScopeManage, peal.ScopeRead} {
		if c.who.Can(scopeNeeds[scope]) {
			actor.Scopes = append(actor.Scopes, scope)
		}
	}
	return actor
}
