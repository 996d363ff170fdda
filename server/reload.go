package server

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
)

// Changes lists the managed webhooks that [Server.Reload] changed, by name.
type Changes struct {
	Created, Updated, Removed []string
	// Unchanged counts the others.
	Unchanged int
}

// Reload replaces the managed webhooks with a list, as [Options.Webhooks] does at the start: new
// ones are created, changed ones updated, and those that are not in the list deleted with their
// pending deliveries. A webhook with an unchanged entry stays as it is, even if failures of its
// endpoint have disabled it; a changed entry also sets its status.
//
// All entries are checked before anything changes, with the other options as they were at the
// start. An invalid entry returns an error with code [peal.Invalid] and a field such as
// "webhooks[2].url", and nothing changes. If the store fails midway, Changes lists what was done,
// and the next call does the rest.
func (s *Server) Reload(ctx context.Context, webhooks []ManagedWebhook) (Changes, error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	p, err := s.managed.Plan(ctx, listed(webhooks))
	if err != nil {
		return Changes{}, err
	}
	return s.takeOver(ctx, p)
}

// ReloadEgress replaces the rules for outgoing requests: of the options, the allowed targets
// (AllowHTTP, Allow, AllowHosts, Deny, DenyHosts, Ports) and the proxy (Proxy, NoProxy). Idle
// connections are closed. If it returns an error, which has code [peal.Invalid], nothing changes.
func (s *Server) ReloadEgress(options dispatch.EgressOptions) error {
	if s.options.Dev {
		options = options.Development()
	}
	return s.engine.ReloadEgress(options)
}

// planStart compares the managed webhooks with those of the options.
func (s *Server) planStart(ctx context.Context) (manage.Plan, error) {
	if s.options.Webhooks != nil {
		return s.managed.Plan(ctx, listed(s.options.Webhooks))
	}
	stored, err := s.managed.Count(ctx)
	if stored > 0 {
		s.log.Warn("the configuration has no webhooks; the managed ones stay as they are", "webhooks", stored)
	}
	return manage.Plan{}, err
}

// takeOver does what a plan says, in the name of the configuration file.
func (s *Server) takeOver(ctx context.Context, p manage.Plan) (Changes, error) {
	changes, err := s.managed.Apply(ctx, manage.Actor{Operator: true, Record: func(e manage.Entry) error {
		entry := peal.AuditEntry{
			ID: peal.NewAuditID(), Tenant: e.Tenant, ActorKind: string(identity.KindFile), Actor: "configuration file",
			Action: e.Action, Target: e.Target, Detail: e.Detail,
		}
		err := s.store.AppendAudit(ctx, entry, s.options.KeepAudit)
		if err != nil {
			s.log.Error("the audit log could not keep an entry", "error", err, "tenant", e.Tenant, "action", e.Action, "target", e.Target)
		}
		return err
	}}, p)
	if changes.Any() {
		s.log.Info("webhooks taken over from the configuration",
			"created", changes.Created, "updated", changes.Updated, "removed", changes.Removed)
	}
	return Changes(changes), err
}
