package api

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	managing "github.com/pealhq/peal/internal/manage"
)

// actionOf is what a scope lets a key do at least.
var actionOf = map[peal.Scope]identity.Action{peal.ScopePublish: publish, peal.ScopeManage: manage, peal.ScopeRead: read}

// actor is the caller as one who changes something.
func (c *call) actor() managing.Actor {
	return managing.Actor{
		Operator: c.caller.IsOperator(), Tenant: c.tenant, Reveal: c.caller.Can(identity.Reveal), Scopes: c.scopes(),
		Record: func(e managing.Entry) error {
			c.audit.done = true
			return c.api.Identity.Record(c.request, c.caller, identity.Entry(e))
		},
	}
}

// scopes are those that a key which the caller creates may have.
func (c *call) scopes() []peal.Scope {
	var may []peal.Scope
	for _, scope := range []peal.Scope{peal.ScopePublish, peal.ScopeManage, peal.ScopeRead} {
		if c.caller.Can(actionOf[scope]) {
			may = append(may, scope)
		}
	}
	return may
}
