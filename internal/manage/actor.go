// Package manage creates, changes and deletes what an operator and tenants set up:
// webhooks, sources, tenants, themes, users, keys, portal links and event types. It holds
// the rules that the API, the dashboard and the configuration file share: defaults,
// checks, secrets, conflicts and the audit log. A front end decodes a request, calls this
// package and renders the result.
//
// An input with several faults gets all of them in one error, in a fixed order; see
// [peal.JoinFaults].
package manage

import (
	"context"
	"errors"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// Actor represents whoever changes something.
type Actor struct {
	// Operator reports whether the actor acts for every tenant.
	Operator bool
	// Tenant is the one that the actor works in: the audit log has it where the tenant of
	// the thing is not known.
	Tenant string
	// Reveal reports whether the actor may read the values of headers.
	Reveal bool
	// Scopes are those that a key which the actor creates may have; an operator's key
	// may have any.
	Scopes []peal.KeyScope
	// Record appends to the audit log; nil records nothing. A secret is shown only
	// after it has returned nil.
	Record func(Entry) error
}

// Entry is one entry of the audit log, without who, when and from where.
type Entry struct {
	Tenant string // that the thing belongs to; "" for the whole server
	Action string // a thing and a verb, such as webhook.update
	Target string // the id or name of the thing
	Detail string // more in a few words, without secrets
}

// author returns what the actor is to a webhook that it saves.
func (a *Actor) author() peal.WebhookAuthor {
	if a.Operator {
		return peal.AuthorOperator
	}
	return peal.AuthorTenant
}

// record appends a change that has happened to the audit log. When that fails the
// server's log has it, and the change stands.
func (a *Actor) record(tenant, action, target, detail string) {
	if a.Record != nil {
		_ = a.Record(Entry{tenant, action, target, detail})
	}
}

// reveal records that a secret is about to be shown.
func (a *Actor) reveal(tenant, action, target, detail string) error {
	if a.Record == nil {
		return nil
	}
	return a.Record(Entry{tenant, action, target, detail})
}

// ErrManaged refuses a change of a webhook that the configuration file owns.
var ErrManaged = peal.Fail(peal.Conflict, message.WebhookManaged)

// retry calls attempt until no other change comes between its reading and its writing,
// or ctx ends.
func retry[T any](ctx context.Context, attempt func() (T, error)) (T, error) {
	for {
		saved, err := attempt()
		if !errors.Is(err, peal.ErrRevision) {
			return saved, err
		}
		if err := ctx.Err(); err != nil {
			var none T
			return none, err
		}
	}
}

// refused reports whether an error of a change ends it at once: one that is not a fault of
// the input, which is reported together with what else is wrong.
func refused(err error) bool { return err != nil && peal.FaultsOf(err) == nil }
