package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/server"
)

// reload takes the rules for outgoing requests and the webhooks of the configuration file over into
// a running server, and logs the result.
type reload struct {
	server  *server.Server
	log     *slog.Logger
	started *config.Loaded // the settings that the server runs with
}

func (r reload) run(ctx context.Context, read func() (*config.Loaded, error)) {
	if err := r.server.ReloadCertificate(); err != nil {
		r.log.Error("the certificate was not taken over: the old one stays", "error", err)
	}
	const nothing = "the configuration was not taken over: everything stays as it is"
	loaded, err := read()
	if err != nil {
		r.log.Error(nothing, "error", err)
		return
	}
	if loaded.File == "" {
		r.log.Warn("there is no configuration file to read again: everything stays as it is")
		return
	}
	if err := r.server.ReloadEgress(serverOptions(&loaded.Config).Egress); err != nil {
		r.log.Error(nothing, "error", loaded.Explain(err))
		return
	}
	changes, err := r.server.Reload(ctx, managedWebhooks(loaded))
	switch {
	case peal.CodeOf(err) == peal.Invalid:
		r.log.Error("the webhooks of the configuration were not taken over: they stay as they are", "error", loaded.Explain(err))
		return
	case err != nil:
		r.log.Error("not all webhooks of the configuration were taken over: send SIGHUP again", "error", err)
		return
	}
	r.log.Info("read the configuration again", "file", loaded.File,
		"created", len(changes.Created), "updated", len(changes.Updated), "removed", len(changes.Removed), "unchanged", changes.Unchanged)
	if names := r.started.Changed(loaded); len(names) > 0 {
		r.log.Warn("other settings have changed too: they need a restart", "settings", strings.Join(names, ", "))
	}
}
