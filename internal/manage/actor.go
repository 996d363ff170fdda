// Package manage creates, changes and deletes webhooks and sources: what the API, the
// dashboard and the configuration file do in the same way. Defaults, checks and the
// endpoint's consent are the engine's; this package adds who does it: what they may
// read, what may go along when a URL moves, and the audit log.
package manage

import "github.com/pealhq/peal"

// Actor is whoever changes something.
type Actor struct {
	// Operator is whether the actor acts for every tenant.
	Operator bool
	// Reveal is whether the actor may read the values of headers.
	Reveal bool
	// Record puts what was done into the audit log; nil for none. A secret is shown only
	// after it has returned nil.
	Record func(action, target, detail string) error
}

// author is what the actor is to a webhook that it saves.
func (a *Actor) author() peal.Author {
	if a.Operator {
		return peal.AuthorOperator
	}
	return peal.AuthorTenant
}

// record puts a change that has happened on record. When that fails the server's log has
// it, and the change stands.
func (a *Actor) record(action, target, detail string) {
	if a.Record != nil {
		_ = a.Record(action, target, detail)
	}
}

// reveal puts on record that a secret is about to be shown.
func (a *Actor) reveal(action, target, detail string) error {
	if a.Record == nil {
		return nil
	}
	return a.Record(action, target, detail)
}

// ErrManaged refuses a change of a webhook that the configuration file owns.
var ErrManaged = peal.Errorf(peal.Conflict, "the server's configuration file owns this webhook: change it there")
