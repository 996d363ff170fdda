// Package config reads the settings of a Peal server: the built-in defaults, then
// a file (peal.yaml), then PEAL_* variables of the environment, then flags, the
// later ones winning.
//
// The fields of [Config] are the one table of settings. Their tags give the name
// in the file (yaml), in the environment (env) and what the setting means (doc);
// [Options] lists them, and docs/configuration.md is made from that list.
package config

//go:generate go test . -run ^TestPage$ -update

import (
	"time"

	"github.com/pealhq/peal"
)

// Config is the settings of a server. Settings tagged secret are never printed.
type Config struct {
	Listen   string `yaml:"listen" env:"PEAL_LISTEN" doc:"Address and port that the API is served on. Port 0 takes a free one."`
	Data     string `yaml:"data" env:"PEAL_DATA" doc:"Directory of the embedded database and of the key that seals secrets. It is made when it is missing."`
	Database string `yaml:"database" env:"PEAL_DATABASE" secret:"url" doc:"Where everything is kept: sqlite:PATH, or empty for the file peal.db in the data directory; or postgres://user:password@host:port/name, a database of PostgreSQL 15 or later that several nodes share, in its schema peal unless the URL has ?search_path=NAME."`
	Dev      bool   `yaml:"dev" env:"PEAL_DEV" doc:"For trying things out: webhooks may use http and reach loopback and private addresses, and a receiver that shows what arrives is started beside the server. Not for production."`

	OperatorKey   string `yaml:"operator_key" env:"PEAL_OPERATOR_KEY" secret:"true" doc:"A key of at least 32 characters that may do everything. Without one, the first start makes one and shows it once."`
	EncryptionKey string `yaml:"encryption_key" env:"PEAL_ENCRYPTION_KEY" secret:"true" doc:"The key that seals secrets in the database: 32 bytes in base64, such as openssl rand -base64 32 prints. Several are separated by commas: the first one seals, the others still open what they have sealed. Without one, the file encryption.key in the data directory is used, and made when the database is new."`

	Origin string `yaml:"origin" env:"PEAL_ORIGIN" doc:"DNS name of this deployment, such as events.example.com, which webhooks with a handshake (CloudEvents) name to their endpoints. Empty takes the machine's name."`

	PublicURL      string    `yaml:"public_url" env:"PEAL_PUBLIC_URL" doc:"Where browsers find this server, such as https://hooks.example.com, for links and for telling its own pages from others'. Empty takes it from each request."`
	TrustedProxies []Network `yaml:"trusted_proxies" env:"PEAL_TRUSTED_PROXIES" doc:"Networks of the proxies in front of the server. Only what they say in X-Forwarded-For and X-Forwarded-Proto is believed; they must set both."`

	TLS     TLS     `yaml:"tls"`
	API     API     `yaml:"api"`
	Metrics Metrics `yaml:"metrics"`

	MaxData        Size          `yaml:"max_data" env:"PEAL_MAX_DATA" doc:"Largest data of one event that is accepted, up to 1MiB."`
	CheckSchemas   bool          `yaml:"check_schemas" env:"PEAL_CHECK_SCHEMAS" doc:"Refuse events whose data does not fit the JSON Schema of their event type."`
	MaxInFlight    int           `yaml:"max_in_flight" env:"PEAL_MAX_IN_FLIGHT" doc:"Most requests to endpoints under way at once, all webhooks together."`
	MaxConnections int           `yaml:"max_connections" env:"PEAL_MAX_CONNECTIONS" doc:"Most connections that clients hold open at once, at most half of the files that the process may open. One address has at most two thirds of what the others leave; the proxies of trusted_proxies share nothing."`
	StopGrace      time.Duration `yaml:"stop_grace" env:"PEAL_STOP_GRACE" doc:"How long a stop waits for requests under way to end before it breaks them off; their deliveries are tried again at the next start."`

	Limits Limits `yaml:"limits"`

	Quotas Quotas `yaml:"quotas"`

	RetryPolicy RetryPolicy       `yaml:"retry_policy"`
	Retention   Retention         `yaml:"retention"`
	Search      Search            `yaml:"search"`
	Egress      Egress            `yaml:"egress"`
	Sessions    Sessions          `yaml:"sessions"`
	OIDC        OIDC              `yaml:"oidc"`
	Portal      Portal            `yaml:"portal"`
	Variables   map[string]string `yaml:"variables" env:"PEAL_VARIABLES" secret:"values" doc:"Values that headers of webhooks may use as {{NAME}}; a tenant sees neither names nor values. A plain value may be used only in webhooks that somebody who acts for every tenant, or this file, has saved last. In its long form a variable has value or value_file, and says where it may go instead: hosts (a list of names such as chat.example.com or *.example.com, with a port where only that one is meant), tenants (a list), or both, which must hold together. In the environment: a YAML or JSON object, such as {\"CHAT_TOKEN\": \"…\"}."`
	Telemetry   Telemetry         `yaml:"telemetry"`
	Log         Log               `yaml:"log"`
}

// RetryPolicy is when failed deliveries are tried again, for webhooks that have
// no policy of their own, of their tenant or of their format.
type RetryPolicy struct {
	Delays                []time.Duration `yaml:"delays" env:"PEAL_RETRY_POLICY_DELAYS" doc:"Waits after the first failed attempt, the second and so on; at most 50, each at most 168h."`
	Jitter                float64         `yaml:"jitter" env:"PEAL_RETRY_POLICY_JITTER" doc:"Spreads each wait evenly by this part of it to both sides: 0 to 0.5."`
	DisableAfterExhausted int             `yaml:"disable_after_exhausted" env:"PEAL_RETRY_POLICY_DISABLE_AFTER_EXHAUSTED" doc:"Disable a webhook when so many deliveries in a row have failed for good; 0 for never."`
	DisableAfterFailing   time.Duration   `yaml:"disable_after_failing" env:"PEAL_RETRY_POLICY_DISABLE_AFTER_FAILING" doc:"Disable a webhook when it has failed for so long without a success; 0s for never."`
}

// Limits bound what one request may do.
type Limits struct {
	MaxDeliveries int `yaml:"max_deliveries" env:"PEAL_LIMITS_MAX_DELIVERIES" doc:"Largest number of deliveries that the events of one publish request may have together, 1 to 1000000. Beyond it the answer is 422, and nothing is published."`
}

// Quotas are what one tenant may have, where it has no limits of its own.
type Quotas struct {
	Webhooks          int  `yaml:"webhooks" env:"PEAL_QUOTAS_WEBHOOKS" doc:"Most webhooks of a tenant, at most limits.max_deliveries; 0 for no limit. As all quotas, it is for tenants without a limit of their own, and not for the tenant default."`
	Sources           int  `yaml:"sources" env:"PEAL_QUOTAS_SOURCES" doc:"Most sources of a tenant; 0 for no limit."`
	Keys              int  `yaml:"keys" env:"PEAL_QUOTAS_KEYS" doc:"Most keys of a tenant that are not revoked; 0 for no limit."`
	PortalLinks       int  `yaml:"portal_links" env:"PEAL_QUOTAS_PORTAL_LINKS" doc:"Most portal links of a tenant that can still be used; 0 for no limit."`
	Users             int  `yaml:"users" env:"PEAL_QUOTAS_USERS" doc:"Most users of a tenant; 0 for no limit."`
	Sessions          int  `yaml:"sessions" env:"PEAL_QUOTAS_SESSIONS" doc:"Most sessions of a tenant that have not ended, of users and of the portal; 0 for no limit. A user's own oldest one ends where a new one is too many."`
	EventTypes        int  `yaml:"event_types" env:"PEAL_QUOTAS_EVENT_TYPES" doc:"Most event types of one catalogue; 0 for no limit."`
	Streams           int  `yaml:"streams" env:"PEAL_QUOTAS_STREAMS" doc:"Most live pages of a tenant that are open on each node, in the dashboard and the portal; 0 for no limit but that of all tenants."`
	PendingDeliveries int  `yaml:"pending_deliveries" env:"PEAL_QUOTAS_PENDING_DELIVERIES" doc:"Most deliveries of a tenant without a final status; 0 for no limit. Beyond it, publishing is answered 429."`
	PendingBytes      Size `yaml:"pending_bytes" env:"PEAL_QUOTAS_PENDING_BYTES" doc:"Most bytes of the data of those deliveries' events, counted once for each delivery; 0 for no limit."`
	EventsPerSecond   int  `yaml:"events_per_second" env:"PEAL_QUOTAS_EVENTS_PER_SECOND" doc:"Events a second that a tenant may publish on each node in the long run, with bursts of ten seconds' worth and 1000 at least; 0 for no limit."`
}

// Limits returns the quotas by name.
func (q Quotas) Limits() peal.Quotas {
	return peal.Quotas{
		peal.QuotaWebhooks: int64(q.Webhooks), peal.QuotaSources: int64(q.Sources), peal.QuotaKeys: int64(q.Keys), peal.QuotaPortalLinks: int64(q.PortalLinks),
		peal.QuotaUsers: int64(q.Users), peal.QuotaSessions: int64(q.Sessions), peal.QuotaEventTypes: int64(q.EventTypes),
		peal.QuotaStreams:           int64(q.Streams),
		peal.QuotaPendingDeliveries: int64(q.PendingDeliveries), peal.QuotaPendingBytes: int64(q.PendingBytes), peal.QuotaEventsPerSecond: int64(q.EventsPerSecond),
	}
}

// quotasOf is the other way round.
func quotasOf(q peal.Quotas) Quotas {
	return Quotas{
		Webhooks: int(q[peal.QuotaWebhooks]), Sources: int(q[peal.QuotaSources]), Keys: int(q[peal.QuotaKeys]), PortalLinks: int(q[peal.QuotaPortalLinks]),
		Users: int(q[peal.QuotaUsers]), Sessions: int(q[peal.QuotaSessions]), EventTypes: int(q[peal.QuotaEventTypes]),
		Streams:           int(q[peal.QuotaStreams]),
		PendingDeliveries: int(q[peal.QuotaPendingDeliveries]), PendingBytes: Size(q[peal.QuotaPendingBytes]), EventsPerSecond: int(q[peal.QuotaEventsPerSecond]),
	}
}

// Retention is how long what happened is kept.
type Retention struct {
	History  time.Duration `yaml:"history" env:"PEAL_RETENTION_HISTORY" doc:"How long events, their deliveries and the attempts are kept once all of an event's deliveries are final; at least 1m, or 0s for ever. What a paused or disabled webhook has held back for so long is canceled."`
	Attempts time.Duration `yaml:"attempts" env:"PEAL_RETENTION_ATTEMPTS" doc:"How long attempts keep the headers sent, and the headers and body answered; at least 1m, or 0s for as long as history. The rest of an attempt stays."`
	MaxBytes Size          `yaml:"max_bytes" env:"PEAL_RETENTION_MAX_BYTES" doc:"Largest size of the database, such as 20GiB: above it, the oldest history goes whatever its age. At least 1MiB, or 0 for no bound. What is pending always stays."`
	Audit    time.Duration `yaml:"audit" env:"PEAL_RETENTION_AUDIT" doc:"How long entries of the audit log are kept; 0s for ever."`
}

// Search is finding events and deliveries by words.
type Search struct {
	Enabled bool `yaml:"enabled" env:"PEAL_SEARCH_ENABLED" doc:"Keep an index of the words in events and in what endpoints answered, so that deliveries and events can be found by them. It costs disk, a fifth more on SQLite and two thirds more on PostgreSQL for events of 1 KiB, and CPU in the background. Turned off, the index is taken away; turned on again, it is made anew. All nodes should say the same: the oldest one's setting counts."`
}

// TLS is how the server itself speaks TLS.
type TLS struct {
	Cert string `yaml:"cert" env:"PEAL_TLS_CERT" doc:"File of the certificate chain in PEM. With it and tls.key the server speaks TLS, 1.2 or later; without, plain HTTP. SIGHUP reads both again."`
	Key  string `yaml:"key" env:"PEAL_TLS_KEY" doc:"File of the certificate's key in PEM."`
}

// Metrics is where what the server counts is read.
type Metrics struct {
	Listen string `yaml:"listen" env:"PEAL_METRICS_LISTEN" doc:"Address and port where /metrics is served over plain HTTP without a key, and nothing else, such as 127.0.0.1:9420. Keep it inside. Empty for none: /metrics is then read with a key that has the scope metrics."`
}

// API is how much callers may ask for.
type API struct {
	RateLimit float64 `yaml:"rate_limit" env:"PEAL_API_RATE_LIMIT" doc:"Requests a second that each key, and each session, may make in the long run; 0 for no limit. Beyond it the answer is 429 with Retry-After."`
	RateBurst int     `yaml:"rate_burst" env:"PEAL_API_RATE_BURST" doc:"Requests that a key may make at once while it is under its limit."`
}

// Sessions are browsers that are signed in.
type Sessions struct {
	Life time.Duration `yaml:"life" env:"PEAL_SESSIONS_LIFE" doc:"How long a user stays signed in to the dashboard: 1m to 2160h."`
}

// OIDC is where users of the dashboard may sign in instead of with a password.
type OIDC struct {
	Issuer         string            `yaml:"issuer" env:"PEAL_OIDC_ISSUER" doc:"Address of an OpenID Connect provider that users may sign in at, such as https://login.example.com. Register there https://YOUR-SERVER/login/oidc/callback, with public_url as its beginning. Empty for none."`
	ClientID       string            `yaml:"client_id" env:"PEAL_OIDC_CLIENT_ID" doc:"What the provider knows this server by."`
	ClientSecret   string            `yaml:"client_secret" env:"PEAL_OIDC_CLIENT_SECRET" secret:"true" doc:"The secret that the provider gave with it. Empty for a public client: PKCE protects the codes either way."`
	Name           string            `yaml:"name" env:"PEAL_OIDC_NAME" doc:"Name of the provider on the button of the sign-in page, at most 60 characters. Empty for OpenID."`
	AllowedDomains []string          `yaml:"allowed_domains" env:"PEAL_OIDC_ALLOWED_DOMAINS" doc:"Domains whose e-mail addresses, verified by the provider, may enter by it, such as example.com. Empty for all."`
	DefaultRole    string            `yaml:"default_role" env:"PEAL_OIDC_DEFAULT_ROLE" doc:"Role of the user that is made when somebody signs in there whose verified e-mail address is no user's name: owner, editor or viewer. Empty makes none: only users that there are may enter."`
	DefaultTenant  string            `yaml:"default_tenant" env:"PEAL_OIDC_DEFAULT_TENANT" doc:"The only tenant that users so made see. Empty for every tenant."`
	RoleClaim      string            `yaml:"role_claim" env:"PEAL_OIDC_ROLE_CLAIM" doc:"Claim of the ID token, a text or a list of texts, that decides the role of whoever signs in there, each time anew, such as groups; dots lead into objects, as in realm_access.roles. Empty leaves roles to whoever manages users."`
	Roles          map[string]string `yaml:"roles" env:"PEAL_OIDC_ROLES" doc:"What the values of that claim stand for: owner, editor or viewer; the highest counts. Somebody with none of them gets default_role, or may not enter where that is empty. In the environment: a YAML or JSON object, such as {\"peal-admins\": \"owner\"}."`
}

// Portal is the pages for a tenant's customers.
type Portal struct {
	FrameAncestors []string `yaml:"frame_ancestors" env:"PEAL_PORTAL_FRAME_ANCESTORS" doc:"Origins whose pages may show the portal in a frame, such as https://app.example.com. The server must be reached over https then. Empty for nobody."`
	Name           string   `yaml:"name" env:"PEAL_PORTAL_NAME" doc:"Name on the portal's pages, at most 60 characters. Empty for Peal. A tenant's own theme goes before this and all that follows."`
	Logo           string   `yaml:"logo" env:"PEAL_PORTAL_LOGO" doc:"File with the logo on the portal's pages: PNG, JPEG, GIF, WebP or SVG, at most 64 KiB."`
	Mode           string   `yaml:"mode" env:"PEAL_PORTAL_MODE" doc:"auto, light or dark. Empty is auto: as the viewer's system."`
	Language       string   `yaml:"language" env:"PEAL_PORTAL_LANGUAGE" doc:"Language of the portal's pages: en or de. Empty for that of the viewer's browser."`
	Hidden         []string `yaml:"hidden" env:"PEAL_PORTAL_HIDDEN" doc:"Parts of the portal that tenants' customers do not get: overview, deliveries, events, catalogue, replays, tests, secrets."`
	Light          Light    `yaml:"light"`
	Dark           Dark     `yaml:"dark"`
}

// Light is the colours of the portal's light pages.
type Light struct {
	Brand      string `yaml:"brand" env:"PEAL_PORTAL_LIGHT_BRAND" doc:"Colour of links and main buttons on light pages, such as #3b3fb6. Colours that cannot be read on each other are refused."`
	Background string `yaml:"background" env:"PEAL_PORTAL_LIGHT_BACKGROUND" doc:"Colour of light pages."`
	Surface    string `yaml:"surface" env:"PEAL_PORTAL_LIGHT_SURFACE" doc:"Colour of cards on light pages."`
	Text       string `yaml:"text" env:"PEAL_PORTAL_LIGHT_TEXT" doc:"Colour of the text on light pages."`
}

// Dark is the colours of the portal's dark pages.
type Dark struct {
	Brand      string `yaml:"brand" env:"PEAL_PORTAL_DARK_BRAND" doc:"Colour of links and main buttons on dark pages, such as #9a9df5. Colours that cannot be read on each other are refused."`
	Background string `yaml:"background" env:"PEAL_PORTAL_DARK_BACKGROUND" doc:"Colour of dark pages."`
	Surface    string `yaml:"surface" env:"PEAL_PORTAL_DARK_SURFACE" doc:"Colour of cards on dark pages."`
	Text       string `yaml:"text" env:"PEAL_PORTAL_DARK_TEXT" doc:"Colour of the text on dark pages."`
}

// Egress is where requests to endpoints may go, and how.
type Egress struct {
	AllowHTTP       bool      `yaml:"allow_http" env:"PEAL_EGRESS_ALLOW_HTTP" doc:"Allow webhooks with http URLs. Without it, https only."`
	Allow           []Network `yaml:"allow" env:"PEAL_EGRESS_ALLOW" doc:"Private, loopback or otherwise refused networks that webhooks may reach all the same, such as 10.1.0.0/16."`
	AllowHosts      []string  `yaml:"allow_hosts" env:"PEAL_EGRESS_ALLOW_HOSTS" doc:"Host names that webhooks may reach although they lead to private or loopback addresses: hooks.example.com, or *.example.com for all below it. Link-local and cloud metadata addresses need allow."`
	Deny            []Network `yaml:"deny" env:"PEAL_EGRESS_DENY" doc:"Networks that webhooks may never reach, whatever allow says."`
	DenyHosts       []string  `yaml:"deny_hosts" env:"PEAL_EGRESS_DENY_HOSTS" doc:"Host names, or *.example.com for all below one, that webhooks may never reach, wherever they lead."`
	Ports           []Ports   `yaml:"ports" env:"PEAL_EGRESS_PORTS" doc:"Ports that webhooks may reach, such as 443 or 1024-65535; 0 for every port."`
	Proxy           string    `yaml:"proxy" env:"PEAL_EGRESS_PROXY" secret:"url" doc:"URL of a proxy that all requests to endpoints go through, such as http://USER:PASSWORD@proxy:3128; https, socks5 (names are looked up here) and socks5h (the proxy looks them up) are possible too. Proxies of the environment are never used."`
	NoProxy         []string  `yaml:"no_proxy" env:"PEAL_EGRESS_NO_PROXY" doc:"Exceptions to proxy: host names, *.example.com for all below one, and addresses or networks such as 10.1.0.0/16, which are compared with addresses in URLs only. Requests to them are judged and sent from here."`
	SourceAddress   Address   `yaml:"source_address" env:"PEAL_EGRESS_SOURCE_ADDRESS" doc:"Address of this machine that requests are sent from. Only endpoints of its kind, IPv4 or IPv6, are reached then."`
	CAFile          string    `yaml:"ca_file" env:"PEAL_EGRESS_CA_FILE" doc:"PEM file of certificate authorities that endpoints may have their certificates from, beside those that the system trusts."`
	PublishedRanges []Network `yaml:"published_ranges" env:"PEAL_EGRESS_PUBLISHED_RANGES" doc:"Networks that requests come from, as GET /v1/ip-ranges tells them to the owners of endpoints. Nothing is sent from them because of this."`

	MaxConnectionAge time.Duration `yaml:"max_connection_age" env:"PEAL_EGRESS_MAX_CONNECTION_AGE" doc:"Age from which a kept connection to an endpoint takes no more requests, so that a name that leads elsewhere is noticed; at least 1s. Each connection has an age of its own, from two thirds of it."`
}

// Telemetry is where traces go. Metrics are at /metrics, whatever it says.
type Telemetry struct {
	OTLPEndpoint string            `yaml:"otlp_endpoint" env:"PEAL_TELEMETRY_OTLP_ENDPOINT" standard:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" doc:"URL of an OpenTelemetry collector that takes traces as OTLP over HTTP, such as http://127.0.0.1:4318; /v1/traces is appended unless the path ends with it. Empty traces nothing. Certificates, time limits and compression are those of the standard OTEL_ variables."`
	OTLPHeaders  map[string]string `yaml:"otlp_headers" env:"PEAL_TELEMETRY_OTLP_HEADERS" secret:"values" doc:"Headers for the collector to know who sends. In the environment: a YAML or JSON object, such as {\"Authorization\": \"Bearer …\"}. Without any, those of OTEL_EXPORTER_OTLP_HEADERS."`
	Service      string            `yaml:"service" env:"PEAL_TELEMETRY_SERVICE" standard:"OTEL_SERVICE_NAME" doc:"Name of this deployment among others in traces. Empty takes peal."`
	SampleRatio  float64           `yaml:"sample_ratio" env:"PEAL_TELEMETRY_SAMPLE_RATIO" doc:"Part of the traces that is kept, above 0 to 1, where the publisher's own trace context does not decide. 0 leaves it to OTEL_TRACES_SAMPLER, else keeps all."`
	Traceparent  bool              `yaml:"traceparent" env:"PEAL_TELEMETRY_TRACEPARENT" doc:"Send the trace context on to endpoints, in the header traceparent. It is not signed."`
}

// Log is how the server tells what it does, on standard error.
type Log struct {
	Format string `yaml:"format" env:"PEAL_LOG_FORMAT" doc:"text or json."`
	Level  string `yaml:"level" env:"PEAL_LOG_LEVEL" doc:"debug, info, warn or error."`
}

// Default gives the settings of a server that was told nothing.
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
		Egress:    Egress{Ports: []Ports{{80, 80}, {443, 443}, {8080, 8080}, {8443, 8443}}, MaxConnectionAge: 3 * time.Minute},
		Log:       Log{Format: "text", Level: "info"},
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
