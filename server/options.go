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
	"github.com/pealhq/peal/internal/theme"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/wire"
)

// PortRange is ports from First to Last, both included.
type PortRange = dispatch.PortRange

// VariableScope limits the webhooks that a variable may be used in.
type VariableScope = dispatch.VariableScope

// OIDC is an OpenID Connect provider that users of the dashboard may sign in at.
type OIDC = identity.OIDC

// Options are the settings of a server. Start from [DefaultOptions], or set only the fields that
// matter: where MaxData, MaxInFlight and MaxConnections are all zero, New gives every zero field
// its default, except Listen.
type Options struct {
	// Listen is the address and port that the API is served on; port 0 takes a free
	// one. "" listens nowhere, for an application that mounts [Server.Handler].
	Listen string
	// Data is the directory of the database and the encryption key; it is made
	// when it is missing.
	Data string
	// Database is where everything is kept: sqlite:PATH, or the URL of a PostgreSQL
	// database, postgres://…, where other servers may be nodes beside this one. "" stands
	// for the file peal.db in Data.
	Database string
	// Dev allows http and loopback, private and link-local targets. Not for production.
	Dev bool
	// OperatorKey is a key that may do everything, of at least [peal.MinKeyLength]
	// characters. Without one, and with none in the database, New makes one.
	OperatorKey string
	// EncryptionKey seals secrets at rest: 32 bytes in base64. Several are separated by
	// commas or white space: the first one seals, the others still open. "" takes the
	// file encryption.key in Data, which is made with a new database.
	EncryptionKey string
	// MaxData is the largest event data in bytes, 1 to [peal.LargestMaxData].
	MaxData int
	// MaxDeliveries is the largest number of deliveries that one publish may have.
	MaxDeliveries int
	// Quotas are the limits of tenants that have none of their own; a quota that is missing
	// has no limit.
	Quotas peal.Quotas
	// CheckSchemas refuses events whose data breaks the schema of their type.
	CheckSchemas bool
	// MaxInFlight is how many requests to endpoints may be under way at once.
	MaxInFlight int
	// StopGrace is how long requests under way may go on when the server stops.
	StopGrace time.Duration
	// RetryPolicy is that of webhooks whose own, tenant's and format's is not set.
	RetryPolicy peal.RetryPolicy
	// Retention says how long what happened is kept.
	Retention dispatch.Retention
	// Search keeps an index of the words in events and answers, so that deliveries and
	// events can be found by them.
	Search bool
	// Variables fill {{NAME}} in the values of webhooks' headers. They are secrets.
	Variables map[string]string
	// VariableScopes say to which webhooks variables may go, by their names. A variable
	// without one may only be used in webhooks that an operator or the configuration has
	// saved last.
	VariableScopes map[string]VariableScope
	// Formats are formats beside the built-in ones; none may have the name of another.
	Formats []*wire.Format
	// Webhooks are all those that the configuration owns: New creates, updates and
	// deletes the managed webhooks accordingly, see [Server.Reload]. Nil leaves those
	// that there are; a list without entries deletes them.
	Webhooks []ManagedWebhook
	// Origin is the DNS name of this deployment, which webhooks with a handshake name to
	// their endpoints; "" takes the machine's name.
	Origin string
	// Egress says where requests may go.
	Egress dispatch.EgressOptions
	// PublicURL is where browsers find the server, such as https://hooks.example.com; ""
	// takes it from each request.
	PublicURL string
	// TrustedProxies are the networks of proxies whose forwarded headers are believed.
	TrustedProxies []netip.Prefix
	// FrameAncestors are the origins whose pages may show the portal in a frame.
	FrameAncestors []string
	// Theme is how the portal looks where a tenant's own theme does not say.
	Theme peal.Theme
	// SessionLife is how long a user stays signed in.
	SessionLife time.Duration
	// OIDC is where users may sign in instead of with a password; the zero OIDC is nowhere.
	// It is looked for when the first one signs in there.
	OIDC OIDC
	// TLSCert and TLSKey are the files of the certificate chain and the key, in PEM, with
	// which the server speaks TLS; "" for both speaks plain HTTP.
	TLSCert, TLSKey string
	// RateLimit is how many requests a second each key, and each session, may make in the
	// long run; 0 for any number. RateBurst is how many it may make at once.
	RateLimit float64
	RateBurst int
	// MaxConnections is how many connections clients may hold open together. One address may
	// hold two thirds of what the others leave; a trusted proxy may hold all of them.
	MaxConnections int
	// MetricsListen is an address and port where /metrics is served without a key, and
	// nothing else; "" for none. Keep it inside.
	MetricsListen string
	// KeepAudit is how long entries of the audit log are kept; 0 for ever.
	KeepAudit time.Duration
	// Telemetry says where traces go.
	Telemetry Telemetry
	// PublishedRanges are the networks that requests come from, for GET /v1/ip-ranges.
	PublishedRanges []netip.Prefix
	// Version and Commit are what GET /version tells; either may be "".
	Version, Commit string
	// Log gets what an operator should know; nil discards it.
	Log *slog.Logger
}

// DefaultOptions are those of a server on one's own machine.
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

// withDefaults returns the options with the defaults of what is not set. Options that were made
// from [DefaultOptions] keep their zeros, some of which have a meaning: the three fields that it
// looks at are never zero there.
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
		return peal.Invalidf("data", "is missing: name a directory")
	}
	if err := o.validateDatabase(); err != nil {
		return err
	}
	if o.OperatorKey != "" && len(o.OperatorKey) < peal.MinKeyLength {
		return peal.Invalidf("operator_key", "has %d characters, at least %d are needed", len(o.OperatorKey), peal.MinKeyLength)
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
	if err := validateManaged(o.Webhooks); err != nil {
		return err
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return peal.Invalidf("tls.cert", "and tls.key belong together: give both files or neither")
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

// asSetting names a field of the engine's options as the configuration file does.
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

// onPostgres is whether the database is a PostgreSQL server's.
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

// facts are what the dashboard's page of the server tells.
func (o Options) facts(loss string) dashboard.ServerFacts {
	facts := dashboard.ServerFacts{Version: o.Version, Retention: o.Retention, KeepAudit: o.KeepAudit, FrameAncestors: o.FrameAncestors}
	facts.Loss = loss
	for _, network := range o.PublishedRanges {
		facts.Ranges = append(facts.Ranges, network.String())
	}
	return facts
}

// databasePath gives the file of the embedded database.
func (o Options) databasePath() (string, error) {
	if o.Database == "" {
		return filepath.Join(o.Data, "peal.db"), nil
	}
	if path, ok := strings.CutPrefix(o.Database, "sqlite:"); ok && path != "" {
		return path, nil
	}
	return "", peal.Invalidf("database", "must be sqlite:PATH, such as sqlite:/var/lib/peal/peal.db, or postgres://…")
}

// identity gives the options of who signs in.
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

// engine gives the options of the engine.
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
