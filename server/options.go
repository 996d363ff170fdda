package server

import (
	"cmp"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/internal/theme"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/wire"
)

// PortRange is the range of ports from First to Last, inclusive.
type PortRange = dispatch.PortRange

// VariableScope limits the webhooks that may use a variable.
type VariableScope = dispatch.VariableScope

// OIDC is an OpenID Connect provider with which users may sign in to the dashboard.
type OIDC = identity.OIDC

// Options are the settings of a server. Start from [DefaultOptions], or set only the fields that
// matter: if MaxData, MaxInFlight and MaxConnections are all zero, New sets every zero field except
// Listen to its default.
type Options struct {
	// Listen is the address and port of the API; port 0 takes a free one. With "" the server does
	// not listen, for an application that mounts [Server.Handler].
	Listen string
	// Data is the directory of the database and the encryption key. It is created if it is missing.
	Data string
	// Database is the database: sqlite:PATH, or the URL of a PostgreSQL database, postgres://…,
	// which other servers may share as nodes. "" stands for the file peal.db in Data.
	Database string
	// Dev allows http and loopback, private and link-local targets. Not for production.
	Dev bool
	// OperatorKey is a key that may do everything, with at least [peal.MinKeyLength] characters.
	// Without one, and with none in the database, New creates one.
	OperatorKey string
	// EncryptionKey encrypts secrets at rest: 32 bytes in base64. Several keys are separated by
	// commas or white space; the first one encrypts, the others only decrypt. "" stands for the
	// file encryption.key in Data, which is created with a new database.
	EncryptionKey string
	// MaxData is the largest event data in bytes, 1 to [peal.LargestMaxData].
	MaxData int
	// MaxDeliveries is the largest number of deliveries that one publish may have.
	MaxDeliveries int
	// Quotas are the limits of tenants without their own. A missing quota is unlimited.
	Quotas peal.Quotas
	// CheckSchemas refuses events with data that breaks the schema of their type.
	CheckSchemas bool
	// MaxInFlight is the largest number of requests to endpoints in flight.
	MaxInFlight int
	// StopGrace is the time that requests in flight have to finish when the server stops.
	StopGrace time.Duration
	// RetryPolicy applies to webhooks without a policy of their own, their tenant or their format.
	RetryPolicy peal.RetryPolicy
	// Retention limits the age of the history.
	Retention dispatch.Retention
	// Search maintains an index of the words in events and responses, to find deliveries and events
	// by them.
	Search bool
	// Variables fill {{NAME}} in the values of webhooks' headers. They are secrets.
	Variables map[string]string
	// VariableScopes are the scopes of variables, by name. A variable without one may be used only
	// in webhooks last saved by an operator or the configuration.
	VariableScopes map[string]VariableScope
	// Formats are additional formats, with unique names.
	Formats []*wire.Format
	// Webhooks are the webhooks that the configuration owns: New creates, updates and deletes the
	// managed webhooks accordingly, see [Server.Reload]. Nil keeps existing ones; an empty list
	// deletes them.
	Webhooks []ManagedWebhook
	// Origin is the DNS name of this deployment, which webhooks with a handshake send to their
	// endpoints; "" stands for the machine's name.
	Origin string
	// Egress limits the targets of requests.
	Egress dispatch.EgressOptions
	// PublicURL is the URL of the server for browsers, such as https://hooks.example.com; ""
	// derives it from each request.
	PublicURL string
	// TrustedProxies are the networks of proxies with trusted forwarding headers.
	TrustedProxies []netip.Prefix
	// FrameAncestors are the origins of pages that may show the portal in a frame.
	FrameAncestors []string
	// Theme is the default appearance of the portal, for settings that a tenant's theme leaves
	// open.
	Theme peal.Theme
	// SessionLife is the duration of a user's session.
	SessionLife time.Duration
	// OIDC is a provider with which users may sign in instead of with a password; the zero OIDC
	// stands for none. It is contacted when the first user signs in with it.
	OIDC OIDC
	// TLSCert and TLSKey are the files of the certificate chain and the key, in PEM, with
	// which the server speaks TLS; "" for both speaks plain HTTP.
	TLSCert, TLSKey string
	// RateLimit is the number of requests a second that each key and each session may make on
	// average; 0 for no limit. RateBurst is the number that it may make at once.
	RateLimit float64
	RateBurst int
	// MaxConnections is the largest number of open connections of all clients. One address may hold
	// two thirds of what the others leave; a trusted proxy may hold all.
	MaxConnections int
	// MetricsListen is an address and port that serves only /metrics, without a key; "" for none.
	// It should be reachable only from inside.
	MetricsListen string
	// KeepAudit is the age at which entries of the audit log are deleted; 0 keeps them forever.
	KeepAudit time.Duration
	// Telemetry configures traces.
	Telemetry Telemetry
	// PublishedRanges are the networks that send requests, for GET /v1/ip-ranges.
	PublishedRanges []netip.Prefix
	// Version and Commit are returned by GET /version; either may be "".
	Version, Commit string
	// Log receives messages for the operator; nil discards them.
	Log *slog.Logger
}

// DefaultOptions returns the options of a server on a developer's machine.
func DefaultOptions() Options {
	engine := dispatch.DefaultOptions()
	return Options{
		Listen:        "127.0.0.1:8420",
		Data:          "./peal-data",
		MaxData:       engine.MaxData,
		MaxDeliveries: engine.MaxDeliveries,
		Quotas:        peal.DefaultQuotas(),
		MaxInFlight:   engine.MaxInFlight,
		StopGrace:     engine.StopGrace,
		RetryPolicy:   engine.RetryPolicy,
		Retention:     engine.Retention,
		Egress:        engine.Egress,
		SessionLife:   identity.DefaultOptions().SessionLife,
		RateBurst:     100,

		MaxConnections: 16384,

		KeepAudit: 400 * 24 * time.Hour,
	}
}

// withDefaults returns the options with defaults for unset fields. Options derived from
// [DefaultOptions] keep their zeros, some of which have a meaning: the three fields that it checks
// are never zero in them.
func (o Options) withDefaults() Options {
	if o.MaxData != 0 || o.MaxInFlight != 0 || o.MaxConnections != 0 {
		return o
	}
	d := DefaultOptions()
	o.Data = cmp.Or(o.Data, d.Data)
	o.MaxData, o.MaxInFlight, o.MaxConnections = d.MaxData, d.MaxInFlight, d.MaxConnections
	o.MaxDeliveries = cmp.Or(o.MaxDeliveries, d.MaxDeliveries)
	o.StopGrace, o.KeepAudit = cmp.Or(o.StopGrace, d.StopGrace), cmp.Or(o.KeepAudit, d.KeepAudit)
	o.SessionLife, o.RateBurst = cmp.Or(o.SessionLife, d.SessionLife), cmp.Or(o.RateBurst, d.RateBurst)
	if o.Quotas == nil {
		o.Quotas = d.Quotas
	}
	if o.RetryPolicy.Equal(peal.RetryPolicy{}) {
		o.RetryPolicy = d.RetryPolicy
	}
	if o.Retention == (dispatch.Retention{}) {
		o.Retention = d.Retention
	}
	if reflect.ValueOf(o.Egress).IsZero() {
		o.Egress = d.Egress
	}
	return o
}

// Validate checks the options. The error has code [peal.Invalid] and names the
// field as the configuration file does, such as "max_data".
func (o Options) Validate() error {
	if o.Listen != "" {
		_, port, err := net.SplitHostPort(o.Listen)
		if n, numErr := strconv.Atoi(port); err != nil || numErr != nil || n < 0 || n > 65535 {
			return peal.Invalidf("listen", "must be an address and a port, such as 127.0.0.1:8420 or :8420")
		}
	}
	if o.MetricsListen != "" {
		_, port, err := net.SplitHostPort(o.MetricsListen)
		if n, numErr := strconv.Atoi(port); err != nil || numErr != nil || n < 0 || n > 65535 {
			return peal.Invalidf("metrics.listen", "must be an address and a port, such as 127.0.0.1:9420")
		}
	}
	if o.Data == "" {
		return peal.Invalidf("data", "must name a directory")
	}
	if err := o.validateDatabase(); err != nil {
		return err
	}
	if o.OperatorKey != "" && len(o.OperatorKey) < peal.MinKeyLength {
		return peal.Invalidf("operator_key", "has %d characters; it must have at least %d", len(o.OperatorKey),
			peal.MinKeyLength)
	}
	if o.EncryptionKey != "" {
		if _, err := parseKeys(o.EncryptionKey); err != nil {
			return err
		}
	}
	if o.MaxInFlight < 1 {
		return peal.Invalidf("max_in_flight", "must be at least 1")
	}
	if o.MaxConnections < 1 {
		return peal.Invalidf("max_connections", "must be at least 1")
	}
	if o.StopGrace < 0 {
		return peal.Invalidf("stop_grace", "must not be negative")
	}
	if err := o.Telemetry.Validate(); err != nil {
		return err
	}
	if err := o.Quotas.Validate(int64(o.MaxDeliveries)); err != nil {
		return err
	}
	if err := manage.ValidateManaged(listed(o.Webhooks)); err != nil {
		return err
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return peal.Invalidf("tls.cert", "must be set together with tls.key; set both files or neither")
	}
	if o.RateLimit < 0 || math.IsNaN(o.RateLimit) || math.IsInf(o.RateLimit, 0) {
		return peal.Invalidf("api.rate_limit", "must be a number of requests a second, or 0 for no limit")
	}
	if o.RateLimit > 0 && o.RateBurst < 1 {
		return peal.Invalidf("api.rate_burst", "must be at least 1")
	}
	if err := o.identity(nil).Validate(); err != nil {
		return err
	}
	if err := theme.Validate(o.Theme); err != nil {
		return peal.PrefixField("portal", err)
	}
	if o.MaxData == 0 {
		return peal.Invalidf("max_data", "must be from 1 to %d bytes", peal.LargestMaxData)
	}
	return asSetting(o.engine().Validate())
}

// asSetting returns err with a field of the engine's options as the configuration file names it.
func asSetting(err error) error {
	var e *peal.Error
	if !errors.As(err, &e) {
		return err
	}
	for _, name := range []struct{ field, setting string }{
		{"MaxData", "max_data"}, {"MaxInFlight", "max_in_flight"}, {"StopGrace", "stop_grace"}, {"Origin", "origin"},
	} {
		if e.Field == name.field {
			named := *e
			named.Field = name.setting
			return &named
		}
	}
	return err
}

// onPostgres reports whether the database is on a PostgreSQL server.
func (o Options) onPostgres() bool {
	return strings.HasPrefix(o.Database, "postgres://") || strings.HasPrefix(o.Database, "postgresql://")
}

func (o Options) validateDatabase() error {
	if o.onPostgres() {
		return postgres.Options{URL: o.Database}.Validate()
	}
	_, err := o.databasePath()
	return err
}

// facts returns the facts for the server page of the dashboard.
func (o Options) facts(loss string) dashboard.ServerFacts {
	facts := dashboard.ServerFacts{Version: o.Version, Retention: o.Retention, KeepAudit: o.KeepAudit,
		FrameAncestors: o.FrameAncestors}
	facts.Loss = loss
	for _, network := range o.PublishedRanges {
		facts.Ranges = append(facts.Ranges, network.String())
	}
	return facts
}

// databasePath returns the file of the embedded database.
func (o Options) databasePath() (string, error) {
	if o.Database == "" {
		return filepath.Join(o.Data, "peal.db"), nil
	}
	if path, ok := strings.CutPrefix(o.Database, "sqlite:"); ok && path != "" {
		return path, nil
	}
	return "", peal.Invalidf("database", "must be sqlite:PATH, such as sqlite:/var/lib/peal/peal.db, or postgres://…")
}

// identity returns the options of package identity.
func (o Options) identity(store identity.Store) identity.Options {
	options := identity.DefaultOptions()
	options.Store, options.Theme = store, o.Theme
	options.Log = o.Log
	options.Proxies = front.Proxies(o.TrustedProxies)
	options.PublicURL = o.PublicURL
	options.FrameAncestors = o.FrameAncestors
	options.SessionLife = o.SessionLife
	options.OIDC = o.OIDC
	options.KeepAudit = o.KeepAudit
	return options
}

// engine returns the options of the engine.
func (o Options) engine() dispatch.Options {
	engine := dispatch.DefaultOptions()
	engine.Log = o.Log
	engine.MaxData = o.MaxData
	engine.MaxDeliveries = o.MaxDeliveries
	engine.Quotas = o.Quotas
	engine.RetryPolicy = o.RetryPolicy
	engine.Retention = o.Retention
	engine.Search = o.Search
	engine.Variables, engine.VariableScopes = o.Variables, o.VariableScopes
	engine.Formats = o.Formats
	engine.Origin = o.Origin
	engine.CheckSchemas = o.CheckSchemas
	engine.StopGrace = o.StopGrace
	engine.MaxInFlight = o.MaxInFlight
	engine.Version = o.Version
	engine.Alone = !o.onPostgres() // a file belongs to one process
	engine.Egress = o.Egress
	if o.Dev {
		engine.Egress = o.Egress.Development()
	}
	return engine
}
