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
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/server"
)

func newServeCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server: take events, deliver them, and serve the API.

Settings come from the configuration file, then PEAL_* variables, then flags;
docs/configuration.md describes each. The first start with new data makes an
operator key and shows it, this once: on a terminal, or else in a file of the data
directory that nobody else may read. An interrupt (Ctrl-C) or SIGTERM ends the
server gracefully; a second one ends it at once. SIGHUP makes it read the file again
and take over the webhooks there, what requests may reach and through which proxy, and the
certificate's files; other settings need a restart.`,
		Example: `  peal serve
  peal serve --dev
  peal serve --listen 0.0.0.0:8420 --data /var/lib/peal --log-format json`,
		GroupID: groupServer,
		Args:    arguments(),
	}
	addSettings(cmd)
	var profile string
	cmd.Flags().StringVar(&profile, "cpuprofile", "", "file for a CPU profile of the whole run, in pprof's format")
	cmd.Flags().Lookup("cpuprofile").Hidden = true // for peal bench
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		loaded, err := app.loadSettings(cmd)
		if err != nil {
			return err
		}
		stop, err := startProfile(profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		defer saveMemory(cmd.Context())()
		return app.serve(cmd.Context(), loaded, func() (*config.Loaded, error) { return app.loadSettings(cmd) })
	}
	return cmd
}

// serve runs the server until ctx ends. read reads its settings again.
func (a *app) serve(ctx context.Context, loaded *config.Loaded, read func() (*config.Loaded, error)) error {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP) // from now on: it would end a program that does not ask for it
	defer signal.Stop(hangUp)
	asJSON := loaded.Log.Format == "json"
	a.asJSON = asJSON
	options, err := loadedOptions(loaded)
	if err != nil {
		return a.ownTrouble(loaded.Explain(err))
	}
	options.Log = a.logger(loaded.Log)
	for _, unknown := range config.UnknownVariables(os.Environ()) {
		options.Log.Warn("a variable of the environment is not a setting, and has no effect", "variable", unknown)
	}
	if options.Dev && isOpenToAll(options.Listen) {
		options.Log.Warn("development mode on all interfaces: whoever reaches this machine can have requests sent to inside addresses; listen on 127.0.0.1, or turn dev off", "listen", options.Listen)
	}
	log.SetFlags(0)
	log.SetOutput(gate.LogWriter(options.Log, slog.LevelWarn)) // where libraries write to
	s, err := server.New(ctx, options)
	if err != nil {
		return a.ownTrouble(loaded.Explain(err))
	}
	w := welcome{Server: s.URL(reachable(s.Addr())), Data: options.Data, Key: s.FirstKey(), KeyGiven: options.OperatorKey != ""}
	if path := s.FirstRunPath(); path != "" {
		w.FirstRun = cmp.Or(options.PublicURL, w.Server) + path
	}
	if options.Dev {
		r, err := a.startDevReceiver(s, options.Log)
		if err != nil {
			return errors.Join(err, s.Stop(ctx))
		}
		defer r.Stop(context.WithoutCancel(ctx))
		w.Receiver = r.URL()
	}
	if terminal, ok := a.Stdout.(*os.File); w.isSecret() && (asJSON || !ok || !isatty.IsTerminal(terminal.Fd())) {
		if w.File, err = w.keep(); err != nil {
			return errors.Join(err, s.Stop(ctx))
		}
	}
	if asJSON {
		w.log(options.Log)
	} else {
		w.print(a.Stdout)
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
			if asJSON {
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
	if !asJSON {
		fmt.Fprintln(a.Stderr, "peal: stopped")
	}
	return nil
}

// ownTrouble keeps what a server says of its own trouble from being taken for the
// answer of another server, which has exit codes of its own.
func (a *app) ownTrouble(err error) error { return errors.New(err.Error()) }

// reachable gives an address that a client on this machine can use: a server that
// listens on every address is reached on loopback.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// isOpenToAll reports whether an address to listen on is that of all interfaces.
func isOpenToAll(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || ip != nil && ip.IsUnspecified())
}
