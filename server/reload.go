package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
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
	p, err := s.plan(ctx, webhooks)
	if err != nil {
		return Changes{}, err
	}
	return s.apply(ctx, p)
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

func (s *Server) apply(ctx context.Context, p plan) (changes Changes, err error) {
	changes.Unchanged = p.unchanged
	defer func() {
		if len(changes.Created)+len(changes.Updated)+len(changes.Removed) == 0 {
			return
		}
		s.log.Info("webhooks taken over from the configuration", "created", changes.Created, "updated", changes.Updated, "removed", changes.Removed)
		err = errors.Join(err, s.engine.Refresh(ctx))
	}()
	for _, w := range p.create {
		if _, err := s.store.CreateWebhook(ctx, w); err != nil {
			return changes, fmt.Errorf("create the webhook %s: %w", w.Entry.Name, err)
		}
		changes.Created = append(changes.Created, w.Entry.Name)
	}
	for _, w := range p.update {
		if err := s.engine.OverwriteWebhook(ctx, w); err != nil {
			return changes, fmt.Errorf("update the webhook %s: %w", w.Entry.Name, err)
		}
		changes.Updated = append(changes.Updated, w.Entry.Name)
	}
	for _, w := range p.remove {
		if err := s.store.DeleteWebhook(ctx, w.Tenant, w.ID); err != nil && peal.CodeOf(err) != peal.NotFound {
			return changes, fmt.Errorf("remove the webhook %s: %w", w.Entry.Name, err)
		}
		changes.Removed = append(changes.Removed, w.Entry.Name)
	}
	return changes, nil
}
