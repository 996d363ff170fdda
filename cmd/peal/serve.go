package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/demo"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/internal/memory"
	"github.com/pealhq/peal/server"
)

func serve(c *call) (err error) {
	loaded, err := c.loadSettings()
	if err != nil {
		return err
	}
	stop, err := startProfile(c.text("cpuprofile"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	defer memory.Save(c.ctx)()
	return c.serve(c.ctx, loaded, c.loadSettings)
}

// serve runs the server until ctx ends. read reads its settings again, on SIGHUP.
func (a *app) serve(ctx context.Context, loaded *config.Loaded, read func() (*config.Loaded, error)) error {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP) // it ends a program that does not ask for it
	defer signal.Stop(hangUp)
	a.asJSON = loaded.Log.Format == "json"
	options, err := loadedOptions(loaded)
	if err != nil {
		return a.ownTrouble(loaded.Explain(err))
	}
	options.Log = a.logger(loaded.Log)
	for _, unknown := range config.UnknownVariables(os.Environ()) {
		options.Log.Warn("a variable of the environment is not a setting, and has no effect", "variable", unknown)
	}
	if options.Dev && isOpenToAll(options.Listen) {
		options.Log.Warn("development mode on all interfaces: everybody who reaches this machine can send requests to addresses inside; listen on 127.0.0.1, or turn dev off", "listen", options.Listen)
	}
	log.SetFlags(0)
	log.SetOutput(gate.LogWriter(options.Log, slog.LevelWarn)) // where libraries write to
	s, err := server.New(ctx, options)
	if err != nil {
		return a.ownTrouble(loaded.Explain(err))
	}
	w := welcome{Server: s.URL(demo.Reachable(s.Addr())), Data: options.Data, Key: s.FirstKey(), KeyGiven: options.OperatorKey != ""}
	if path := s.FirstRunPath(); path != "" {
		w.FirstRun = cmp.Or(options.PublicURL, w.Server) + path
	}
	if options.Dev {
		r, err := demo.StartReceiver(demo.NextPort(s.Addr()), func(r demo.Received) {
			verdict := demo.Judge(context.WithoutCancel(ctx), s, r)
			if a.asJSON {
				options.Log.Info("a request has arrived", "url", r.URL, "bytes", len(r.Body), "verdict", verdict)
				return
			}
			demo.Show(a.Stdout, r, verdict)
		})
		if err != nil {
			return errors.Join(err, s.Stop(ctx))
		}
		defer r.Stop(context.WithoutCancel(ctx))
		w.Receiver = r.URL()
	}
	if w.isSecret() && (a.asJSON || !isTerminal(a.Stdout)) {
		if w.File, err = w.keep(); err != nil {
			return errors.Join(err, s.Stop(ctx))
		}
	}
	if a.asJSON {
		w.log(options.Log)
	} else if err := w.print(a.Stdout); err != nil {
		return errors.Join(err, s.Stop(ctx))
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for {
		select {
		case <-hangUp:
			reload{s, options.Log, loaded}.run(ctx, read)
			continue
		case err = <-ended:
		case <-ctx.Done():
			if a.asJSON {
				options.Log.Info("Peal is stopping: what is under way has its time to end; a second signal ends it at once", "stop_grace", loaded.StopGrace.String())
			} else {
				fmt.Fprintf(a.Stderr, "peal: stopping; what is under way has %s to end, a second signal ends it at once\n", loaded.StopGrace)
			}
			err = <-ended
		}
		break
	}
	if err != nil {
		return a.ownTrouble(err)
	}
	if !a.asJSON {
		fmt.Fprintln(a.Stderr, "peal: stopped")
	}
	return nil
}

// ownTrouble returns an error of a server of this process, which has not the exit code of an answer
// from another server.
func (a *app) ownTrouble(err error) error { return errors.New(err.Error()) }

// isOpenToAll reports whether an address to listen on is that of all interfaces.
func isOpenToAll(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || ip != nil && ip.IsUnspecified())
}

// startProfile writes a CPU profile to a file until stop is called; "" writes none.
func startProfile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make the CPU profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("start the CPU profile: %w", err), file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// reload takes over the rules for outgoing requests and the webhooks of the configuration file into
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

func runDemo(c *call) error {
	d := demo.Demo{
		Listen: c.text("listen"), Once: c.on("once"), Version: programVersion(), Commit: programCommit(),
		Out: c.Stdout, Log: c.logger(config.Log{Format: "text", Level: "warn"}),
	}
	if err := d.Run(c.ctx); err != nil {
		return c.ownTrouble(err)
	}
	if !d.Once {
		fmt.Fprintln(c.Stderr, "peal: stopping")
	}
	return nil
}
