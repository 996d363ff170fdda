// Package config reads the settings of a Peal server: the built-in defaults, then
// a file (peal.yaml), then PEAL_* variables of the environment, then flags, the
// later ones winning.
//
// The fields of [Config] are the settings; their tags are the names in the file. The names
// in the environment and of flags follow from those, and settings.yaml has the texts.
// [Options] lists all of it, and docs/configuration.md is generated from that list.
package config

//go:generate go test . -run ^TestPage$ -update

import (
	"time"

	"github.com/pealhq/peal"
)

// Config is the settings of a server. Settings tagged secret are never printed.
type Config struct {
	Listen   string `yaml:"listen"`
	Data     string `yaml:"data"`
	Database string `yaml:"database" secret:"url"`
	Dev      bool   `yaml:"dev"`

	OperatorKey   string `yaml:"operator_key" secret:"true"`
	EncryptionKey string `yaml:"encryption_key" secret:"true"`

	Origin string `yaml:"origin"`

	PublicURL      string    `yaml:"public_url"`
	TrustedProxies []Network `yaml:"trusted_proxies"`

	TLS     TLS     `yaml:"tls"`
	API     API     `yaml:"api"`
	Metrics Metrics `yaml:"metrics"`

	MaxData        Size          `yaml:"max_data"`
	CheckSchemas   bool          `yaml:"check_schemas"`
	MaxInFlight    int           `yaml:"max_in_flight"`
	MaxConnections int           `yaml:"max_connections"`
	StopGrace      time.Duration `yaml:"stop_grace"`

	Limits Limits `yaml:"limits"`

	Quotas Quotas `yaml:"quotas"`

	RetryPolicy RetryPolicy       `yaml:"retry_policy"`
	Retention   Retention         `yaml:"retention"`
	Search      Search            `yaml:"search"`
	Egress      Egress            `yaml:"egress"`
	Sessions    Sessions          `yaml:"sessions"`
	OIDC        OIDC              `yaml:"oidc"`
	Portal      Portal            `yaml:"portal"`
	Variables   map[string]string `yaml:"variables" secret:"values"`
	Telemetry   Telemetry         `yaml:"telemetry"`
	Log         Log               `yaml:"log"`
}

// RetryPolicy defines when failed deliveries are tried again, for webhooks without a policy of
// their own, their tenant or their format.
type RetryPolicy struct {
	Delays                []time.Duration `yaml:"delays"`
	Jitter                float64         `yaml:"jitter"`
	DisableAfterExhausted int             `yaml:"disable_after_exhausted"`
	DisableAfterFailing   time.Duration   `yaml:"disable_after_failing"`
}

// Limits bound what one request may do.
type Limits struct {
	MaxDeliveries int `yaml:"max_deliveries"`
}

// Quotas are the limits of tenants without their own.
type Quotas struct {
	Webhooks          int  `yaml:"webhooks"`
	Sources           int  `yaml:"sources"`
	Keys              int  `yaml:"keys"`
	PortalLinks       int  `yaml:"portal_links"`
	Users             int  `yaml:"users"`
	Sessions          int  `yaml:"sessions"`
	EventTypes        int  `yaml:"event_types"`
	Streams           int  `yaml:"streams"`
	PendingDeliveries int  `yaml:"pending_deliveries"`
	PendingBytes      Size `yaml:"pending_bytes"`
	EventsPerSecond   int  `yaml:"events_per_second"`
}

// Limits returns the quotas by name.
func (q Quotas) Limits() peal.Quotas {
	return peal.Quotas{
		peal.QuotaWebhooks: int64(q.Webhooks), peal.QuotaSources: int64(q.Sources), peal.QuotaKeys: int64(q.Keys),
		peal.QuotaPortalLinks: int64(q.PortalLinks),
		peal.QuotaUsers:       int64(q.Users), peal.QuotaSessions: int64(q.Sessions),
		peal.QuotaEventTypes:        int64(q.EventTypes),
		peal.QuotaStreams:           int64(q.Streams),
		peal.QuotaPendingDeliveries: int64(q.PendingDeliveries), peal.QuotaPendingBytes: int64(q.PendingBytes),
		peal.QuotaEventsPerSecond: int64(q.EventsPerSecond),
	}
}

// quotasOf is the other way round.
func quotasOf(q peal.Quotas) Quotas {
	return Quotas{
		Webhooks: int(q[peal.QuotaWebhooks]), Sources: int(q[peal.QuotaSources]), Keys: int(q[peal.QuotaKeys]),
		PortalLinks: int(q[peal.QuotaPortalLinks]),
		Users:       int(q[peal.QuotaUsers]), Sessions: int(q[peal.QuotaSessions]), EventTypes: int(q[peal.QuotaEventTypes]),
		Streams:           int(q[peal.QuotaStreams]),
		PendingDeliveries: int(q[peal.QuotaPendingDeliveries]), PendingBytes: Size(q[peal.QuotaPendingBytes]),
		EventsPerSecond: int(q[peal.QuotaEventsPerSecond]),
	}
}

// Retention limits the age of the history.
type Retention struct {
	History  time.Duration `yaml:"history"`
	Attempts time.Duration `yaml:"attempts"`
	MaxBytes Size          `yaml:"max_bytes"`
	Audit    time.Duration `yaml:"audit"`
}

// Search is finding events and deliveries by words.
type Search struct {
	Enabled bool `yaml:"enabled"`
}

// TLS is how the server itself speaks TLS.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Metrics is where what the server counts is read.
type Metrics struct {
	Listen string `yaml:"listen"`
}

// API limits the requests of callers.
type API struct {
	RateLimit float64 `yaml:"rate_limit"`
	RateBurst int     `yaml:"rate_burst"`
}

// Sessions are browsers that are signed in.
type Sessions struct {
	Life time.Duration `yaml:"life"`
}

// OIDC is where users of the dashboard may sign in instead of with a password.
type OIDC struct {
	Issuer         string            `yaml:"issuer"`
	ClientID       string            `yaml:"client_id"`
	ClientSecret   string            `yaml:"client_secret" secret:"true"`
	Name           string            `yaml:"name"`
	AllowedDomains []string          `yaml:"allowed_domains"`
	DefaultRole    string            `yaml:"default_role"`
	DefaultTenant  string            `yaml:"default_tenant"`
	RoleClaim      string            `yaml:"role_claim"`
	Roles          map[string]string `yaml:"roles"`
}

// Portal is the pages for a tenant's customers.
type Portal struct {
	FrameAncestors []string `yaml:"frame_ancestors"`
	Name           string   `yaml:"name"`
	Logo           string   `yaml:"logo"`
	Mode           string   `yaml:"mode"`
	Language       string   `yaml:"language"`
	Hidden         []string `yaml:"hidden"`
	Light          Light    `yaml:"light"`
	Dark           Dark     `yaml:"dark"`
}

// Light is the colours of the portal's light pages.
type Light struct {
	Brand      string `yaml:"brand"`
	Background string `yaml:"background"`
	Surface    string `yaml:"surface"`
	Text       string `yaml:"text"`
}

// Dark is the colours of the portal's dark pages.
type Dark struct {
	Brand      string `yaml:"brand"`
	Background string `yaml:"background"`
	Surface    string `yaml:"surface"`
	Text       string `yaml:"text"`
}

// Egress is where requests to endpoints may go, and how.
type Egress struct {
	AllowHTTP       bool      `yaml:"allow_http"`
	Allow           []Network `yaml:"allow"`
	AllowHosts      []string  `yaml:"allow_hosts"`
	Deny            []Network `yaml:"deny"`
	DenyHosts       []string  `yaml:"deny_hosts"`
	Ports           []Ports   `yaml:"ports"`
	Proxy           string    `yaml:"proxy" secret:"url"`
	NoProxy         []string  `yaml:"no_proxy"`
	SourceAddress   Address   `yaml:"source_address"`
	CAFile          string    `yaml:"ca_file"`
	PublishedRanges []Network `yaml:"published_ranges"`

	MaxConnectionAge time.Duration `yaml:"max_connection_age"`
}

// Telemetry configures traces. Metrics are at /metrics in any case.
type Telemetry struct {
	OTLPEndpoint string            `yaml:"otlp_endpoint" standard:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTLPHeaders  map[string]string `yaml:"otlp_headers" secret:"values"`
	Service      string            `yaml:"service" standard:"OTEL_SERVICE_NAME"`
	SampleRatio  float64           `yaml:"sample_ratio"`
	Traceparent  bool              `yaml:"traceparent"`
}

// Log configures the server's log on standard error.
type Log struct {
	Format string `yaml:"format"`
	Level  string `yaml:"level"`
}

// Default returns the settings of a server without configuration.
func Default() Config {
	policy := peal.DefaultRetryPolicy()
	return Config{
		Listen:         "127.0.0.1:8420",
		Data:           "./peal-data",
		MaxData:        peal.DefaultMaxData,
		MaxInFlight:    512,
		MaxConnections: 16384,
		StopGrace:      30 * time.Second,
		Limits:         Limits{MaxDeliveries: 10_000},
		Quotas:         quotasOf(peal.DefaultQuotas()),
		RetryPolicy: RetryPolicy{
			Delays:                policy.Delays,
			Jitter:                policy.Jitter,
			DisableAfterExhausted: policy.DisableAfterExhausted,
			DisableAfterFailing:   policy.DisableAfterFailing,
		},
		Retention: Retention{History: 30 * 24 * time.Hour, Audit: 400 * 24 * time.Hour},
		API:       API{RateBurst: 100},
		Sessions:  Sessions{Life: 12 * time.Hour},
		Egress: Egress{Ports: []Ports{{80, 80}, {443, 443}, {8080, 8080}, {8443, 8443}},
			MaxConnectionAge: 3 * time.Minute},
		Log: Log{Format: "text", Level: "info"},
	}
}

// Validate checks what the server itself does not look at. The error has code
// [peal.Invalid] and names the setting.
func (c *Config) Validate() error {
	switch c.Log.Format {
	case "text", "json":
	default:
		return peal.Invalidf("log.format", "must be text or json")
	}
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		return peal.Invalidf("log.level", "must be debug, info, warn or error")
	}
	return nil
}
