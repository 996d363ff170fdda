package api

import (
	"math"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/message"
)

// WebhookInput has the settings of a webhook. It is exported because the OpenAPI document omits
// embedded unexported types. Absent members keep their value (or have the default in a new
// webhook); null restores the default.
type WebhookInput struct {
	URL               given[string]                    `json:"url,omitempty" format:"endpoint-url" doc:"The URL of the endpoint: https (or http if the operator allows it), without user info and fragment."`
	Name              optional[string]                 `json:"name,omitempty" maxLength:"100" pattern:"^([^\\s\\x00-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000])*$" doc:"A name for people; several webhooks may have the same name. At most 100 characters, without line breaks, control characters and characters that change the direction of writing; surrounding space is removed."`
	Events            given[patterns]                  `json:"events,omitempty" doc:"The events to which it subscribes: types (task.created), prefixes (task.*) or all (*); 1 to 100, or a single one as a string."`
	Secret            optional[string]                 `json:"secret,omitempty" minLength:"1" maxLength:"512" writeOnly:"true" doc:"Signs the requests, in the notation of the format; the server creates one if the format always signs. Setting it ends the earlier ones at once; rotate keeps them for an overlap."`
	Format            optional[string]                 `json:"format,omitempty" format:"webhook-format" doc:"How an event becomes a request, such as standard or x-webhook; the tenant's default if absent."`
	Headers           optional[addedHeaders]           `json:"headers,omitempty" doc:"Headers to add, at most 50 of 4 KiB; they replace others of the same name, but not those that the format signs or identifies deliveries with. Values may hold {{NAME}}, a variable that the operator allows for the webhook. The value [redacted] keeps the current one."`
	Authorization     optional[string]                 `json:"authorization,omitempty" format:"header-value" writeOnly:"true" doc:"The Authorization header's value, such as Bearer …; never shown again. \"[set]\" keeps the current one. It must be set again when the host, port or scheme of url changes, as must the key of client_certificate and the client_secret of oauth2."`
	ClientCertificate optional[clientCertificateInput] `json:"client_certificate,omitempty" doc:"Authenticates the sender to the endpoint in TLS (mTLS)."`
	Pins              optional[pins]                   `json:"pins,omitempty" doc:"Public keys as sha256/BASE64; the endpoint's certificate chain must contain one of them, and must also be valid."`
	OAuth2            optional[oauth2Input]            `json:"oauth2,omitempty" doc:"Gets tokens with client credentials for the Authorization header, in place of authorization."`
	ExtraPayload      optional[object]                 `json:"extra_payload,omitempty" doc:"An object that goes into the body where the format has a place for it; at most 64 KiB."`
	UUID              optional[string]                 `json:"uuid,omitempty" maxLength:"128" doc:"The id in requests of the format dejacode; the webhook's id if absent."`
	RetryPolicy       optional[retryPolicyInput]       `json:"retry_policy,omitempty" doc:"When a failed delivery is tried again; the tenant's, the format's or the server's policy if absent."`
	TimeoutMS         optional[int]                    `json:"timeout_ms,omitempty" minimum:"1000" maximum:"60000" doc:"The time limit of one attempt; 15000 if absent."`
	RateLimit         optional[rateLimitInput]         `json:"rate_limit,omitempty" doc:"The rate at which requests start; as fast as the endpoint allows if absent."`
	Handshake         optional[bool]                   `json:"handshake,omitempty" doc:"true asks the URL for consent before the webhook is saved (OPTIONS with WebHook-Request-Origin), in the formats of CloudEvents. A rate that it allows becomes rate_limit; without consent the webhook is refused."`
	Filter            optional[string]                 `json:"filter,omitempty" maxLength:"8192" doc:"An expression that must be true for an event to match, such as data.project.id in [3, 4]."`
	Transform         optional[string]                 `json:"transform,omitempty" maxLength:"8192" doc:"A jq program that turns the event into the data for this webhook."`
	Description       optional[string]                 `json:"description,omitempty" maxLength:"4096" doc:"What it is for."`
	Status            optional[string]                 `json:"status,omitempty" enum:"active,paused,disabled" doc:"active: sends; paused: holds deliveries until it is active again; disabled: gets none."`
}

// webhookCreateInput is WebhookInput with the required members of a new webhook.
type webhookCreateInput struct{ WebhookInput }

// TransformSchema lists the required members in the document.
func (webhookCreateInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"url", "events"}
	return s
}

type rateLimitInput struct {
	PerSecond given[float64] `json:"per_second" exclusiveMinimum:"0" maximum:"10000" doc:"Requests a second."`
	Burst     given[int]     `json:"burst,omitempty" minimum:"1" maximum:"10000" doc:"The number that may start at once after a pause; 1 if absent."`
}

// apply sets the given members on w. fallback is the default format of its tenant; engine knows the
// policy in force. The values are checked later.
func (in *WebhookInput) apply(w *peal.Webhook, fallback string, engine Engine) {
	w.URL = in.URL.or(w.URL)
	set(&w.Name, &in.Name)
	if in.Events.Given {
		w.Events = in.Events.Value
	}
	if in.Format.Given {
		w.Format = fallback
		if name := in.Format.orZero(); name != "" {
			w.Format = name
		}
	}
	if in.Headers.Given {
		w.Headers = in.Headers.orZero()
	}
	set(&w.Authorization, &in.Authorization)
	in.applyEndpoint(w)
	if in.ExtraPayload.Given {
		w.ExtraPayload = nil
		if in.ExtraPayload.Value != nil {
			w.ExtraPayload = []byte(*in.ExtraPayload.Value)
		}
	}
	set(&w.UUID, &in.UUID)
	if in.RetryPolicy.Given {
		if in.RetryPolicy.Value == nil {
			w.RetryPolicy = nil
		} else {
			w.RetryPolicy = in.RetryPolicy.Value.over(engine.Policy(w))
		}
	}
	if in.TimeoutMS.Given {
		w.Timeout = peal.DefaultTimeout
		if in.TimeoutMS.Value != nil {
			w.Timeout = time.Duration(*in.TimeoutMS.Value) * time.Millisecond
		}
	}
	if in.RateLimit.Given {
		w.RateLimit = nil
		if limit := in.RateLimit.Value; limit != nil {
			w.RateLimit = &peal.RateLimit{PerSecond: limit.PerSecond.Value, Burst: limit.Burst.or(1)}
		}
	}
	set(&w.Handshake, &in.Handshake)
	set(&w.Filter, &in.Filter)
	set(&w.Transform, &in.Transform)
	set(&w.Description, &in.Description)
	in.applyStatus(w)
	in.applySecret(w)
}

// set sets a field to the value of a member if it is given; null is the zero value.
func set[T any](field *T, member *optional[T]) {
	if member.Given {
		*field = member.orZero()
	}
}

func (in *WebhookInput) applyStatus(w *peal.Webhook) {
	if !in.Status.Given {
		return
	}
	status := peal.Active
	if in.Status.Value != nil {
		status = peal.WebhookStatus(*in.Status.Value)
	}
	if status != w.Status {
		w.Status, w.StatusReason = status, "" // a person's choice needs no reason
	}
}

// applySecret sets the given secret; null removes the current one.
func (in *WebhookInput) applySecret(w *peal.Webhook) {
	if !in.Secret.Given {
		return
	}
	w.Secrets = nil
	if in.Secret.Value != nil {
		w.Secrets = []peal.Secret{{Value: *in.Secret.Value}}
	}
}

// WebhookShape is a webhook as callers see it. It is exported because the OpenAPI document omits
// embedded unexported types.
type WebhookShape struct {
	ID                peal.WebhookID                   `json:"id" example:"webhook_01h455vb4pex5vsknk084sn02q"`
	Tenant            string                           `json:"tenant"`
	Name              string                           `json:"name" doc:"A name for people; may be empty."`
	URL               string                           `json:"url" format:"uri" doc:"Without the scope manage, the values of its query are [redacted]."`
	Events            []string                         `json:"events" nullable:"false" doc:"The events to which it subscribes: types, prefixes (task.*) or all (*)."`
	Format            string                           `json:"format"`
	Headers           map[string]string                `json:"headers" doc:"Headers that are added. A key without the scope manage sees [redacted] as values."`
	Authorization     *string                          `json:"authorization" doc:"[set] if there is an Authorization value, which is never shown; null otherwise."`
	ClientCertificate optional[clientCertificateShape] `json:"client_certificate"`
	Pins              []string                         `json:"pins" nullable:"false" doc:"Public keys; the endpoint's certificate chain must contain one of them."`
	OAuth2            optional[oauth2Shape]            `json:"oauth2"`
	ExtraPayload      optional[object]                 `json:"extra_payload"`
	UUID              *string                          `json:"uuid"`
	RetryPolicy       retryPolicyShape                 `json:"retry_policy" doc:"The policy in force, whether its own or inherited."`
	TimeoutMS         int64                            `json:"timeout_ms"`
	RateLimit         optional[rateLimitShape]         `json:"rate_limit"`
	Handshake         bool                             `json:"handshake" doc:"Whether the URL was asked for its consent, as CloudEvents web hooks do."`
	Filter            *string                          `json:"filter"`
	Transform         *string                          `json:"transform"`
	Description       string                           `json:"description"`
	Status            string                           `json:"status" enum:"active,paused,disabled"`
	StatusReason      *string                          `json:"status_reason" doc:"Why it is paused or disabled; null if a person chose that."`
	Managed           bool                             `json:"managed" doc:"Whether the server's configuration file owns it; then it cannot be changed here."`
	Health            healthShape                      `json:"health"`
	Warnings          []string                         `json:"warnings" nullable:"false" doc:"Sentences about what will prevent requests from arriving unless it is corrected: expiring certificates and, if the webhook was just created, changed or tested, refused addresses and names that do not resolve."`
	CreatedAt         string                           `json:"created_at" format:"date-time"`
	UpdatedAt         string                           `json:"updated_at" format:"date-time"`
}

type createdWebhookShape struct {
	WebhookShape
	Secret *string `json:"secret" doc:"Signs the requests. Shown only once; null if there is none."`
}

type rateLimitShape struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst"`
}

// healthShape summarizes the latest outcomes of a webhook's deliveries.
type healthShape struct {
	ExhaustedInRow       int     `json:"exhausted_in_row" minimum:"0" doc:"The number of deliveries that finally failed since the last success."`
	CertificateExpiresAt *string `json:"certificate_expires_at" format:"date-time" doc:"When the endpoint's certificate expires, if within 14 days; null otherwise."`
	FailingSince         *string `json:"failing_since" format:"date-time" doc:"When the first attempt after the last success failed; null if the last one succeeded."`
}

const redacted = "[redacted]"

func (c *call) webhookOf(w *peal.Webhook) WebhookShape {
	shape := WebhookShape{
		ID: w.ID, Tenant: w.Tenant, Name: w.Name, URL: w.URL, Events: w.Events, Format: w.Format,
		Headers: make(map[string]string, len(w.Headers)), UUID: textOrNil(w.UUID),
		RetryPolicy: retryPolicyOf(c.api.Engine.Policy(w)), TimeoutMS: w.Timeout.Milliseconds(), Handshake: w.Handshake,
		Filter: textOrNil(w.Filter), Transform: textOrNil(w.Transform), Description: w.Description,
		Status: string(w.Status), StatusReason: textOrNil(w.StatusReason), Managed: w.Managed,
		Health: healthShape{ExhaustedInRow: w.Health.ExhaustedInRow, FailingSince: timeOrNil(w.Health.FailingSince),
			CertificateExpiresAt: timeOrNil(w.Health.CertificateExpiresAt)},
		CreatedAt: timeText(w.CreatedAt()), UpdatedAt: timeText(w.UpdatedAt),
	}
	maySee := c.caller.Can(identity.Reveal)
	shape.showEndpoint(w, maySee)
	shape.Warnings = message.English(w.Warnings(now()))
	if !maySee {
		shape.URL = peal.RedactURL(w.URL)
	}
	for name, value := range w.Headers {
		if !maySee {
			value = redacted
		}
		shape.Headers[name] = value
	}
	if w.Authorization != "" {
		shape.Authorization = ptr(authorizationSet)
	}
	if w.ExtraPayload != nil {
		shape.ExtraPayload = some(object(w.ExtraPayload))
	}
	if w.RateLimit != nil {
		shape.RateLimit = some(rateLimitShape{w.RateLimit.PerSecond, w.RateLimit.Burst})
	}
	return shape
}

// currentSecret returns the secret that signs, or nil.
func currentSecret(w *peal.Webhook, now time.Time) *string {
	if active := w.ActiveSecrets(now); len(active) > 0 {
		return &active[0]
	}
	return nil
}

type clientCertificateInput struct {
	Certificate given[string] `json:"certificate" maxLength:"32768" doc:"The certificate in PEM, followed by its intermediate certificates."`
	Key         given[string] `json:"key" maxLength:"32768" writeOnly:"true" doc:"Its private key in PEM, without a password; never shown again. \"[set]\" keeps the current one."`
}

type clientCertificateShape struct {
	Certificate string  `json:"certificate"`
	Key         string  `json:"key" enum:"[set]" doc:"[set]: it is never shown."`
	ExpiresAt   *string `json:"expires_at" format:"date-time"`
}

type oauth2Input struct {
	TokenURL     given[string] `json:"token_url" format:"endpoint-url" doc:"The URL that issues tokens, under the same rules as url."`
	ClientID     given[string] `json:"client_id" minLength:"1" maxLength:"4096" pattern:"^[ -~]+$"`
	ClientSecret given[string] `json:"client_secret" minLength:"1" maxLength:"4096" pattern:"^[ -~]+$" writeOnly:"true" doc:"Never shown again. \"[set]\" keeps the current one."`
	Scopes       given[scopes] `json:"scopes,omitempty" doc:"The scopes to request; the authorization server chooses if absent."`
}

type oauth2Shape struct {
	TokenURL     string   `json:"token_url" format:"uri"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret" enum:"[set]" doc:"[set]: it is never shown."`
	Scopes       []string `json:"scopes" nullable:"false"`
}

// applyEndpoint sets how the webhook and its endpoint authenticate each other.
func (in *WebhookInput) applyEndpoint(w *peal.Webhook) {
	if in.ClientCertificate.Given {
		w.ClientCertificate = nil
		if c := in.ClientCertificate.Value; c != nil {
			w.ClientCertificate = &peal.ClientCertificate{Certificate: c.Certificate.Value, Key: peal.Secret{Value: c.Key.Value}}
		}
	}
	if in.Pins.Given {
		w.Pins = in.Pins.orZero()
	}
	if in.OAuth2.Given {
		w.OAuth2 = nil
		if o := in.OAuth2.Value; o != nil {
			w.OAuth2 = &peal.OAuth2{
				TokenURL: o.TokenURL.Value, ClientID: o.ClientID.Value, ClientSecret: peal.Secret{Value: o.ClientSecret.Value},
				Scopes: o.Scopes.Value,
			}
		}
	}
}

// showEndpoint sets how the webhook and its endpoint authenticate each other, without secrets.
func (shape *WebhookShape) showEndpoint(w *peal.Webhook, maySee bool) {
	shape.Pins = append([]string{}, w.Pins...)
	if c := w.ClientCertificate; c != nil {
		shape.ClientCertificate = some(clientCertificateShape{Certificate: c.Certificate, Key: secretSet,
			ExpiresAt: timeOrNil(c.ExpiresAt())})
	}
	if o := w.OAuth2; o != nil {
		tokenURL := o.TokenURL
		if !maySee {
			tokenURL = peal.RedactURL(tokenURL)
		}
		shape.OAuth2 = some(oauth2Shape{TokenURL: tokenURL, ClientID: o.ClientID, ClientSecret: secretSet,
			Scopes: append([]string{}, o.Scopes...)})
	}
}

// retryPolicyShape defines when a failed delivery is tried again.
type retryPolicyShape struct {
	DelaysSeconds         []float64 `json:"delays_seconds" nullable:"false" doc:"The waits after the first attempt, the second and so on." maxItems:"50"`
	Jitter                float64   `json:"jitter" doc:"Spreads each delay evenly over this part of it, up and down." minimum:"0" maximum:"0.5"`
	DisableAfterExhausted int       `json:"disable_after_exhausted" doc:"Disables the webhook when so many deliveries in a row have failed for good; 0 for never." minimum:"0" maximum:"1000000"`
	DisableAfterSeconds   float64   `json:"disable_after_seconds" doc:"Disables the webhook when it has failed for so long without a success; 0 for never." minimum:"0" maximum:"31536000"`
}

// retryPolicyInput is a retry policy in a body; absent members do not change.
type retryPolicyInput struct {
	DelaysSeconds         given[[]float64] `json:"delays_seconds,omitempty" maxItems:"50" doc:"The waits after the first attempt, the second and so on, each from 0 to 604800 (a week), to the millisecond."`
	Jitter                given[float64]   `json:"jitter,omitempty" minimum:"0" maximum:"0.5" doc:"Spreads each delay evenly over this part of it, up and down."`
	DisableAfterExhausted given[int]       `json:"disable_after_exhausted,omitempty" minimum:"0" maximum:"1000000" doc:"Disables the webhook when so many deliveries in a row have failed for good; 0 for never."`
	DisableAfterSeconds   given[float64]   `json:"disable_after_seconds,omitempty" minimum:"0" maximum:"31536000" doc:"Disables the webhook when it has failed for so long without a success; 0 for never."`
}

func retryPolicyOf(p peal.RetryPolicy) retryPolicyShape {
	shape := retryPolicyShape{
		DelaysSeconds: make([]float64, len(p.Delays)), Jitter: p.Jitter,
		DisableAfterExhausted: p.DisableAfterExhausted, DisableAfterSeconds: p.DisableAfterFailing.Seconds(),
	}
	for i, delay := range p.Delays {
		shape.DelaysSeconds[i] = delay.Seconds()
	}
	return shape
}

// over returns p with the members that are given.
func (in *retryPolicyInput) over(p peal.RetryPolicy) *peal.RetryPolicy {
	if in.DelaysSeconds.Given {
		p.Delays = make([]time.Duration, len(in.DelaysSeconds.Value))
		for i, seconds := range in.DelaysSeconds.Value {
			p.Delays[i] = duration(seconds)
		}
	}
	p.Jitter = in.Jitter.or(p.Jitter)
	p.DisableAfterExhausted = in.DisableAfterExhausted.or(p.DisableAfterExhausted)
	if in.DisableAfterSeconds.Given {
		p.DisableAfterFailing = duration(in.DisableAfterSeconds.Value)
	}
	return &p
}

// duration returns seconds as a duration, to the millisecond. A number too large for a duration
// becomes one that exceeds every limit.
func duration(seconds float64) time.Duration {
	const most = math.MaxInt64 / 1e9 / 2
	return time.Duration(math.Round(max(-most, min(most, seconds))*1000)) * time.Millisecond
}
