// Package manage creates, changes and deletes the configuration of operators and tenants: webhooks,
// sources, tenants, themes, users, keys, portal links and event types. It holds the rules that the
// API, the dashboard and the configuration file share: defaults, checks, secrets, conflicts and the
// audit log. A front end decodes a request, calls this package and renders the result.
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

// Actor is the caller of a change.
type Actor struct {
	// Operator reports whether the actor acts for every tenant.
	Operator bool
	// Tenant is the tenant in which the actor works. The audit log has it if the tenant of the
	// target is unknown.
	Tenant string
	// Reveal reports whether the actor may read the values of headers.
	Reveal bool
	// Scopes are the scopes that the actor may grant to a new key; an operator may grant any.
	Scopes []peal.KeyScope
	// Record appends to the audit log; nil records nothing. Secrets are shown only after it has
	// returned nil.
	Record func(Entry) error
}

// Entry is one entry of the audit log, without who, when and from where.
type Entry struct {
	Tenant string // of the target; "" for the whole server
	Action string // a kind and a verb, such as webhook.update
	Target string // the id or name of the resource
	Detail string // details in a few words, without secrets
}

// author returns the author of a webhook that the actor saves.
func (a *Actor) author() peal.WebhookAuthor {
	if a.Operator {
		return peal.AuthorOperator
	}
	return peal.AuthorTenant
}

// record adds a change that has happened to the audit log. If that fails, the entry goes to the
// server's log, and the change remains.
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

// retry calls attempt until it succeeds without a conflicting change, or ctx ends.
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

// refused reports whether an error of a change ends it at once. A fault of the input does not: it
// is reported together with other faults.
func refused(err error) bool { return err != nil && peal.FaultsOf(err) == nil }
