package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/internal/terminal"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// addSettings adds to a command a flag for every setting that has one.
func addSettings(cmd *cobra.Command) {
	cmd.Flags().Var(&value{}, "config", "configuration file (PEAL_CONFIG; else "+config.DefaultFile+" if it is there)")
	for _, o := range config.Options() {
		if o.Flag == "" {
			continue
		}
		does, _, _ := strings.Cut(o.Doc, ". ")    // the page has the rest
		kind, _, _ := strings.Cut(o.Type, " of ") // list of networks
		v := &value{text: o.Default, label: strings.ReplaceAll(kind, "switch", "bool")}
		cmd.Flags().Var(v, o.Flag, strings.TrimSuffix(does, ".")+" ("+o.Env+")")
		if o.IsSwitch() {
			cmd.Flags().Lookup(o.Flag).NoOptDefVal = "true"
		}
	}
}

// loadSettings reads the settings of a command that has their flags. An error in them is a usage
// error.
func (c *call) loadSettings() (*config.Loaded, error) {
	cmd := c.cmd
	given := make(map[string]string)
	for _, o := range config.Options() {
		if o.Flag != "" && cmd.Flags().Changed(o.Flag) {
			given[o.Flag] = cmd.Flags().Lookup(o.Flag).Value.String()
		}
	}
	file := cmp.Or(c.text("config"), c.Env("PEAL_CONFIG"))
	loaded, err := config.Load(config.Sources{File: file, Env: c.Env, Flags: given})
	if err != nil {
		return nil, usagef(cmd, "%w", err)
	}
	options, err := loadedOptions(loaded)
	if err == nil {
		err = options.Validate()
	}
	if err != nil {
		return nil, usagef(cmd, "%w", loaded.Explain(err))
	}
	return loaded, nil
}

// loadedOptions returns the options of a server with all that was loaded.
func loadedOptions(loaded *config.Loaded) (server.Options, error) {
	options := serverOptions(&loaded.Config)
	options.Webhooks = managedWebhooks(loaded)
	options.VariableScopes = make(map[string]server.VariableScope, len(loaded.VariableScopes))
	for name, scope := range loaded.VariableScopes {
		options.VariableScopes[name] = server.VariableScope(scope)
	}
	var err error
	if options.Theme.Logo, err = readLogo(loaded.Portal.Logo); err != nil {
		return options, err
	}
	options.Formats, err = customFormats(loaded, options.RetryPolicy)
	return options, err
}

// serverOptions returns the options of a server with the given settings.
func serverOptions(c *config.Config) server.Options {
	o := server.DefaultOptions()
	o.Listen, o.MetricsListen, o.PublicURL, o.Origin = c.Listen, c.Metrics.Listen, c.PublicURL, c.Origin
	o.Data, o.Database, o.Dev = c.Data, c.Database, c.Dev
	o.OperatorKey, o.EncryptionKey = c.OperatorKey, c.EncryptionKey
	o.MaxData, o.CheckSchemas = int(c.MaxData), c.CheckSchemas
	o.MaxDeliveries, o.Quotas = c.Limits.MaxDeliveries, c.Quotas.Limits()
	o.MaxInFlight, o.MaxConnections, o.StopGrace = c.MaxInFlight, c.MaxConnections, c.StopGrace
	o.RetryPolicy = peal.RetryPolicy(c.RetryPolicy)
	o.Retention.History = c.Retention.History
	o.Retention.Attempts = c.Retention.Attempts
	o.Retention.MaxBytes = int64(c.Retention.MaxBytes)
	o.Search, o.Variables = c.Search.Enabled, c.Variables
	o.TLSCert, o.TLSKey = c.TLS.Cert, c.TLS.Key
	o.RateLimit, o.RateBurst = c.API.RateLimit, c.API.RateBurst
	o.KeepAudit, o.SessionLife = c.Retention.Audit, c.Sessions.Life
	o.OIDC = server.OIDC{
		Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, ClientSecret: c.OIDC.ClientSecret, Name: c.OIDC.Name,
		AllowedDomains: c.OIDC.AllowedDomains,
		DefaultRole:    peal.Role(c.OIDC.DefaultRole), DefaultTenant: c.OIDC.DefaultTenant,
		RoleClaim: c.OIDC.RoleClaim, Roles: roles(c.OIDC.Roles),
	}
	o.FrameAncestors, o.Theme = c.Portal.FrameAncestors, themeOf(&c.Portal)
	o.TrustedProxies = prefixes(c.TrustedProxies)
	o.Egress.AllowHTTP = c.Egress.AllowHTTP
	o.Egress.Allow, o.Egress.Deny = prefixes(c.Egress.Allow), prefixes(c.Egress.Deny)
	o.Telemetry = server.Telemetry{
		Endpoint: c.Telemetry.OTLPEndpoint, Headers: c.Telemetry.OTLPHeaders, Service: c.Telemetry.Service,
		SampleRatio: c.Telemetry.SampleRatio, Traceparent: c.Telemetry.Traceparent,
	}
	o.Egress.AllowHosts, o.Egress.DenyHosts = c.Egress.AllowHosts, c.Egress.DenyHosts
	o.Egress.Ports = ports(c.Egress.Ports)
	o.Egress.Proxy, o.Egress.NoProxy = c.Egress.Proxy, c.Egress.NoProxy
	o.Egress.MaxConnectionAge = c.Egress.MaxConnectionAge
	o.Egress.SourceAddress, o.Egress.CAFile = c.Egress.SourceAddress.Addr(), c.Egress.CAFile
	o.PublishedRanges = prefixes(c.Egress.PublishedRanges)
	o.Version, o.Commit = programVersion(), programCommit()
	return o
}

// managedWebhooks returns the webhooks of the file; nil when it has no list of them.
func managedWebhooks(loaded *config.Loaded) []server.ManagedWebhook {
	return convert(loaded.Webhooks, func(w config.Webhook) server.ManagedWebhook {
		return server.ManagedWebhook{Name: w.Name, Settings: w.Settings, Policy: w.Policy}
	})
}

// ports returns ranges of ports; nil for every port.
func ports(ranges []config.Ports) []server.PortRange {
	if slices.ContainsFunc(ranges, config.Ports.All) {
		return nil
	}
	return convert(ranges, func(r config.Ports) server.PortRange { return server.PortRange(r) })
}

func prefixes(networks []config.Network) []netip.Prefix {
	return convert(networks, config.Network.Prefix)
}

// convert returns the items of a list in another type; nil for nil.
func convert[F, T any](list []F, one func(F) T) []T {
	if list == nil {
		return nil
	}
	converted := make([]T, len(list))
	for i, item := range list {
		converted[i] = one(item)
	}
	return converted
}

// logger returns the log that the settings ask for, on standard error.
func (a *app) logger(settings config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.Level)) // Load has checked it
	options := &slog.HandlerOptions{Level: level}
	if settings.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, options))
}

// roles returns the roles of the values of a claim; nil for none.
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

// themeOf returns the portal's theme of the settings, without its logo.
func themeOf(p *config.Portal) peal.Theme {
	return peal.Theme{
		Name: p.Name, Mode: peal.ThemeMode(p.Mode), Language: p.Language,
		Light: peal.ThemePalette(p.Light), Dark: peal.ThemePalette(p.Dark),
		Hidden: convert(p.Hidden, func(part string) peal.PortalPart { return peal.PortalPart(part) }),
	}
}

// readLogo reads the file with the portal's logo, up to one byte more than a logo may have; the
// path "" stands for none.
func readLogo(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	var logo []byte
	if err == nil {
		defer file.Close()
		logo, err = io.ReadAll(io.LimitReader(file, peal.MaxThemeLogo+1))
	}
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "portal.logo", Message: "names a file that cannot be read", Err: err}
	}
	return logo, nil
}

// customFormats returns the formats that the configuration file describes; their retry policies
// change the inherited one. The field of an error is a place in the file.
func customFormats(loaded *config.Loaded, inherited peal.RetryPolicy) ([]*wire.Format, error) {
	definitions := make([]custom.Definition, len(loaded.Formats))
	for i, f := range loaded.Formats {
		d := custom.Definition{
			Name: f.Name, Title: f.Title, Body: f.Body, BodyRaw: f.BodyRaw, ContentType: f.ContentType, Headers: f.Headers,
		}
		if s := f.Signature; s != nil {
			d.Signature = &custom.Signature{
				Header: s.Header, Algorithm: s.Algorithm, Encoding: s.Encoding, Prefix: s.Prefix,
				Content: s.Content, SecretEncoding: s.SecretEncoding,
			}
		}
		if f.Policy != nil {
			policy := f.Policy(inherited)
			d.RetryPolicy = &policy
		}
		definitions[i] = d
	}
	return custom.NewAll(definitions, loaded.Variables)
}

func printConfig(c *call) error {
	loaded, err := c.loadSettings()
	if err != nil {
		return err
	}
	settings := loaded.Settings()
	if c.json {
		return c.writeJSON(settings)
	}
	var rows [][]string
	for _, s := range settings {
		rows = append(rows, []string{s.Name, s.Value, s.Origin})
	}
	table(c.Stdout, "SETTING, VALUE, FROM", rows)
	if loaded.File != "" {
		fmt.Fprintf(c.Stderr, "read %s\n", terminal.Safe(loaded.File))
	}
	return nil
}
