package main

import (
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/server"
)

// addSettings gives a command a flag for every setting that has one.
func addSettings(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "configuration file (PEAL_CONFIG; else "+config.DefaultFile+" if it is there)")
	for _, o := range config.Options() {
		if o.Flag == "" {
			continue
		}
		does, _, _ := strings.Cut(o.Doc, ". ") // the page tells the rest
		cmd.Flags().Var(&settingFlag{text: o.Default, kind: o.Type}, o.Flag, strings.TrimSuffix(does, ".")+" ("+o.Env+")")
		if o.IsSwitch() {
			cmd.Flags().Lookup(o.Flag).NoOptDefVal = "true"
		}
	}
}

// settingFlag keeps the text of a flag; package config knows what it means.
type settingFlag struct{ text, kind string }

// String gives the text.
func (f *settingFlag) String() string { return f.text }

// Set takes the text that was given.
func (f *settingFlag) Set(text string) error {
	f.text = text
	return nil
}

// Type names for the help what the flag takes.
func (f *settingFlag) Type() string {
	switch {
	case f.kind == "switch":
		return "bool"
	case strings.HasPrefix(f.kind, "list of "):
		return "list"
	}
	return f.kind
}

// loadSettings reads the settings of a command that has their flags. What is wrong
// with them is a usage error.
func (a *app) loadSettings(cmd *cobra.Command) (*config.Loaded, error) {
	given := make(map[string]string)
	for _, o := range config.Options() {
		if o.Flag != "" && cmd.Flags().Changed(o.Flag) {
			given[o.Flag] = cmd.Flags().Lookup(o.Flag).Value.String()
		}
	}
	file := firstOf(cmd.Flags().Lookup("config").Value.String(), a.Env("PEAL_CONFIG"))
	loaded, err := config.Load(config.Sources{File: file, Env: a.Env, Flags: given})
	if err != nil {
		return nil, &usageError{Err: err, Command: cmd.CommandPath()}
	}
	options, err := loadedOptions(loaded)
	if err == nil {
		err = options.Validate()
	}
	if err != nil {
		return nil, &usageError{Err: loaded.Explain(err), Command: cmd.CommandPath()}
	}
	return loaded, nil
}

// loadedOptions gives the server all that was loaded.
func loadedOptions(loaded *config.Loaded) (server.Options, error) {
	options := serverOptions(&loaded.Config)
	options.Webhooks = managedWebhooks(loaded)
	options.VariableScopes = variableScopes(loaded)
	var err error
	if options.Theme.Logo, err = readLogo(loaded.Portal.Logo); err != nil {
		return options, err
	}
	options.Formats, err = customFormats(loaded, options.RetryPolicy)
	return options, err
}

// serverOptions gives the server what the settings say.
func serverOptions(c *config.Config) server.Options {
	o := server.DefaultOptions()
	o.Listen = c.Listen
	o.Data = c.Data
	o.Database = c.Database
	o.Dev = c.Dev
	o.OperatorKey = c.OperatorKey
	o.EncryptionKey = c.EncryptionKey
	o.MaxData = int(c.MaxData)
	o.CheckSchemas = c.CheckSchemas
	o.MaxDeliveries = c.Limits.MaxDeliveries
	o.Quotas = c.Quotas.Limits()
	o.MaxInFlight = c.MaxInFlight
	o.MaxConnections = c.MaxConnections
	o.MetricsListen = c.Metrics.Listen
	o.StopGrace = c.StopGrace
	o.RetryPolicy = peal.RetryPolicy{
		Delays:                c.RetryPolicy.Delays,
		Jitter:                c.RetryPolicy.Jitter,
		DisableAfterExhausted: c.RetryPolicy.DisableAfterExhausted,
		DisableAfterFailing:   c.RetryPolicy.DisableAfterFailing,
	}
	o.Retention.History = c.Retention.History
	o.Retention.Attempts = c.Retention.Attempts
	o.Retention.MaxBytes = int64(c.Retention.MaxBytes)
	o.Search = c.Search.Enabled
	o.Variables = c.Variables
	o.Origin = c.Origin
	o.TLSCert, o.TLSKey = c.TLS.Cert, c.TLS.Key
	o.RateLimit, o.RateBurst = c.API.RateLimit, c.API.RateBurst
	o.KeepAudit = c.Retention.Audit
	o.SessionLife = c.Sessions.Life
	o.OIDC = server.OIDC{
		Issuer:         c.OIDC.Issuer,
		ClientID:       c.OIDC.ClientID,
		ClientSecret:   c.OIDC.ClientSecret,
		Name:           c.OIDC.Name,
		AllowedDomains: c.OIDC.AllowedDomains,
		DefaultRole:    peal.Role(c.OIDC.DefaultRole),
		DefaultTenant:  c.OIDC.DefaultTenant,
		RoleClaim:      c.OIDC.RoleClaim,
		Roles:          roles(c.OIDC.Roles),
	}
	o.FrameAncestors = c.Portal.FrameAncestors
	o.Theme = themeOf(&c.Portal)
	o.PublicURL = c.PublicURL
	o.TrustedProxies = prefixes(c.TrustedProxies)
	o.Egress.AllowHTTP = c.Egress.AllowHTTP
	o.Egress.Allow = prefixes(c.Egress.Allow)
	o.Egress.Deny = prefixes(c.Egress.Deny)
	o.Telemetry = server.Telemetry{
		Endpoint:    c.Telemetry.OTLPEndpoint,
		Headers:     c.Telemetry.OTLPHeaders,
		Service:     c.Telemetry.Service,
		SampleRatio: c.Telemetry.SampleRatio,
		Traceparent: c.Telemetry.Traceparent,
	}
	o.Egress.AllowHosts, o.Egress.DenyHosts = c.Egress.AllowHosts, c.Egress.DenyHosts
	o.Egress.Ports = ports(c.Egress.Ports)
	o.Egress.Proxy, o.Egress.NoProxy = c.Egress.Proxy, c.Egress.NoProxy
	o.Egress.MaxConnectionAge = c.Egress.MaxConnectionAge
	o.Egress.SourceAddress = c.Egress.SourceAddress.Addr()
	o.Egress.CAFile = c.Egress.CAFile
	o.PublishedRanges = prefixes(c.Egress.PublishedRanges)
	o.Version, o.Commit = programVersion(), programCommit()
	return o
}

// managedWebhooks gives the server the webhooks of the file; nil when there is none.
func managedWebhooks(loaded *config.Loaded) []server.ManagedWebhook {
	if loaded.Webhooks == nil {
		return nil
	}
	list := make([]server.ManagedWebhook, len(loaded.Webhooks))
	for i, w := range loaded.Webhooks {
		list[i] = server.ManagedWebhook{Name: w.Name, Settings: w.Settings, Policy: w.Policy}
	}
	return list
}

// variableScopes returns the hosts and tenants that each variable of the file may go to.
func variableScopes(loaded *config.Loaded) map[string]server.VariableScope {
	scopes := make(map[string]server.VariableScope, len(loaded.VariableScopes))
	for name, scope := range loaded.VariableScopes {
		scopes[name] = server.VariableScope{Hosts: scope.Hosts, Tenants: scope.Tenants}
	}
	return scopes
}

// programCommit gives the commit that the program was built from, where the Go
// toolchain recorded it; else "".
func programCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return ""
}

// ports gives ranges of ports; nil for every port.
func ports(ranges []config.Ports) []server.PortRange {
	if slices.ContainsFunc(ranges, config.Ports.All) {
		return nil
	}
	list := make([]server.PortRange, len(ranges))
	for i, r := range ranges {
		list[i] = server.PortRange{First: r.First, Last: r.Last}
	}
	return list
}

func prefixes(networks []config.Network) []netip.Prefix {
	var list []netip.Prefix
	for _, n := range networks {
		list = append(list, n.Prefix())
	}
	return list
}

// logger makes the log that the settings ask for, on standard error.
func (a *app) logger(settings config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(settings.Level)); err != nil {
		level = slog.LevelInfo // Load has checked it
	}
	options := &slog.HandlerOptions{Level: level}
	if settings.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, options))
}

// roles are those that values of a claim stand for; nil for none.
func roles(of map[string]string) map[string]peal.Role {
	if len(of) == 0 {
		return nil
	}
	roles := make(map[string]peal.Role, len(of))
	for value, role := range of {
		roles[value] = peal.Role(role)
	}
	return roles
}
