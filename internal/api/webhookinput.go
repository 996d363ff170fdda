package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

// WebhookInput is what a caller sets of a webhook. It has a capital because the document leaves out what
// is embedded under a small one. Absent means: keep what there is
// (or take the default of a new one); null means: take the default.
type WebhookInput struct {
	URL               given[string]                    `json:"url,omitempty" format:"endpoint-url" doc:"Where the requests go: https (or http where the operator allows it), without user info and fragment."`
	Name              optional[string]                 `json:"name,omitempty" maxLength:"100" pattern:"^([^\\s\\x00-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000])*$" doc:"What people call it; several webhooks may have the same name. At most 100 characters without line breaks, control characters and characters that change the direction of writing; the space around it is cut off."`
	Events            given[patterns]                  `json:"events,omitempty" doc:"Which events it wants: types (task.created), prefixes (task.*) or all (*); 1 to 100, or a single one as a string."`
	Secret            optional[string]                 `json:"secret,omitempty" minLength:"1" maxLength:"512" writeOnly:"true" doc:"Signs the requests, written as the format wants it; one is made where the format always signs. Setting it ends the earlier ones at once; rotate keeps them for an overlap."`
	Format            optional[string]                 `json:"format,omitempty" format:"webhook-format" doc:"How an event becomes a request, such as standard or x-webhook; the tenant's default otherwise."`
	Headers           optional[addedHeaders]           `json:"headers,omitempty" doc:"Headers to add, at most 50 of 4 KiB; they replace others of the same name, but not those that the format signs or identifies deliveries with. Values may hold {{NAME}}, a variable that the operator lets the webhook use. A value shown as [redacted] keeps the one there is."`
	Authorization     optional[string]                 `json:"authorization,omitempty" format:"header-value" writeOnly:"true" doc:"The Authorization header's value, such as Bearer …; never shown again. \"[set]\" keeps the one there is; it is asked for again when url moves to another host, port or scheme, as are the key of client_certificate and the client_secret of oauth2."`
	ClientCertificate optional[clientCertificateInput] `json:"client_certificate,omitempty" doc:"What the endpoint knows the sender by in TLS (mTLS)."`
	Pins              optional[pins]                   `json:"pins,omitempty" doc:"Public keys, as sha256/BASE64, of which one must stand in the endpoint's chain of certificates, which must be valid as well."`
	OAuth2            optional[oauth2Input]            `json:"oauth2,omitempty" doc:"Gets tokens with client credentials for the Authorization header, in place of authorization."`
	ExtraPayload      optional[object]                 `json:"extra_payload,omitempty" doc:"An object that goes into the body where the format has a place for it; at most 64 KiB."`
	UUID              optional[string]                 `json:"uuid,omitempty" maxLength:"128" doc:"The id that the dejacode format shows; the webhook's own otherwise."`
	RetryPolicy       optional[retryPolicyInput]       `json:"retry_policy,omitempty" doc:"When a failed delivery is tried again; the tenant's, the format's or the server's otherwise."`
	TimeoutMS         optional[int]                    `json:"timeout_ms,omitempty" minimum:"1000" maximum:"60000" doc:"How long one attempt may take as a whole; 15000 otherwise."`
	RateLimit         optional[rateLimitInput]         `json:"rate_limit,omitempty" doc:"How fast requests start; as fast as the endpoint allows otherwise."`
	Handshake         optional[bool]                   `json:"handshake,omitempty" doc:"true asks the URL for its consent before the webhook is saved (OPTIONS with WebHook-Request-Origin), for the formats of CloudEvents. A rate that it allows becomes rate_limit; without consent the webhook is refused."`
	Filter            optional[string]                 `json:"filter,omitempty" maxLength:"8192" doc:"An expression that must be true for an event to match, such as data.project.id in [3, 4]."`
	Transform         optional[string]                 `json:"transform,omitempty" maxLength:"8192" doc:"A jq program from the event to the data that this webhook gets."`
	Description       optional[string]                 `json:"description,omitempty" maxLength:"4096" doc:"What it is for."`
	Status            optional[string]                 `json:"status,omitempty" enum:"active,paused,disabled" doc:"active: sends; paused: holds deliveries until it is active again; disabled: gets none."`
}

// webhookCreateInput is WebhookInput with what a new webhook must have.
type webhookCreateInput struct{ WebhookInput }

// TransformSchema says in the document what a new webhook must have.
func (webhookCreateInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"url", "events"}
	return s
}

type rateLimitInput struct {
	PerSecond given[float64] `json:"per_second" exclusiveMinimum:"0" maximum:"10000" doc:"Requests a second."`
	Burst     given[int]     `json:"burst,omitempty" minimum:"1" maximum:"10000" doc:"How many may start at once after a pause; 1 when absent."`
}

// authorizationSet stands for an Authorization value, which is never shown.
const authorizationSet = peal.HiddenSecret

// apply puts what is given on a webhook. fallback is its tenant's default format;
// engine knows the policy in force and the formats. The checks of the values come afterwards.
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

// set puts a member on a field: its value, or the field's zero for null.
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

// applySecret sets the secret that is given; null takes the one there is away.
func (in *WebhookInput) applySecret(w *peal.Webhook) {
	if !in.Secret.Given {
		return
	}
	w.Secrets = nil
	if in.Secret.Value != nil {
		w.Secrets = []peal.Secret{{Value: *in.Secret.Value}}
	}
}
