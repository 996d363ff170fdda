package config

import "github.com/pealhq/peal"

// webhooksName is the name of the list of webhooks in the file. It has no variable and no flag.
const webhooksName = "webhooks"

// Webhook is an entry of "webhooks" in the file.
type Webhook struct {
	// Name is the name of the entry, unique in the list.
	Name string
	// Settings are the settings of the entry; absent ones are zero. Format "" is the tenant's,
	// Timeout 0 and Status "" are the defaults of a webhook.
	Settings peal.Webhook
	// Policy returns the retry policy of the webhook, given the one that it would inherit; nil if
	// the entry has none.
	Policy func(inherited peal.RetryPolicy) peal.RetryPolicy

	rows []Setting // as config print shows them
}

// WebhookField is a name that an entry of "webhooks" may have.
type WebhookField struct {
	Name string
	Doc  string

	secret bool
	read   func(e *entry, v place) error
}

// WebhookFields are the names that an entry of "webhooks" may have, in the order of
// the page that describes them.
func WebhookFields() []WebhookField {
	settings := func(e *entry) *peal.Webhook { return &e.into.Settings }
	return []WebhookField{
		{Name: "name", Doc: "The unique name of the entry: 1 to 128 letters, digits and `._-:@`. An entry with another name is another webhook. The first 100 characters are the name of the webhook.",
			read: text(func(e *entry) *string { return &e.into.Name })},
		{Name: "tenant", Doc: "The tenant of the webhook; `default` if absent. It cannot be changed: an entry with another tenant is another webhook.",
			read: text(func(e *entry) *string { return &settings(e).Tenant })},
		{Name: "url", Doc: "The URL of the endpoint.",
			read: text(func(e *entry) *string { return &settings(e).URL })},
		{Name: "events", Doc: "The events to which it subscribes: a list of types (`task.created`), prefixes (`task.*`) or all (`\"*\"`), or a single one.",
			read: (*entry).events},
		{Name: "format", Doc: "How an event becomes a request; the tenant's default if absent.",
			read: text(func(e *entry) *string { return &settings(e).Format })},
		{Name: "secret", Doc: "Signs the requests. If it is absent and the format always signs, one is created and kept; `peal webhooks secret` shows it.",
			secret: true, read: (*entry).secret},
		{Name: "secret_file", Doc: "In place of `secret`: a file that holds it.",
			read: fromFile((*entry).setSecret)},
		{Name: "secret_env", Doc: "In place of `secret`: an environment variable that holds it.",
			read: fromEnvironment((*entry).setSecret)},
		{Name: "authorization", Doc: "The `Authorization` header's value, sent as it is.",
			secret: true, read: (*entry).authorization},
		{Name: "authorization_file", Doc: "In place of `authorization`: a file that holds it.",
			read: fromFile((*entry).setAuthorization)},
		{Name: "authorization_env", Doc: "In place of `authorization`: an environment variable that holds it.",
			read: fromEnvironment((*entry).setAuthorization)},
		{Name: "client_certificate", Doc: "Authenticates the sender to the endpoint in TLS: `certificate` in PEM with its chain (or `certificate_file`), and its `key` (or `key_file`, `key_env`). A file that has changed is read at SIGHUP.",
			read: (*entry).clientCertificate},
		{Name: "pins", Doc: "Public keys as `sha256/BASE64`; the endpoint's certificate chain must contain one of them.",
			read: (*entry).pins},
		{Name: "oauth2", Doc: "Gets tokens for the `Authorization` header (client credentials): `token_url`, `client_id`, `client_secret` (or `client_secret_file`, `client_secret_env`) and `scopes` (a list).",
			read: (*entry).oauth2},
		{Name: "headers", Doc: "Headers to add; values may hold `{{NAME}}`, one of the `variables`.",
			read: (*entry).headers},
		{Name: "extra_payload", Doc: "Names and values that go into the body where the format has a place for them.",
			read: (*entry).extraPayload},
		{Name: "uuid", Doc: "The id in requests of the format `dejacode`; the webhook's id if absent.",
			read: text(func(e *entry) *string { return &settings(e).UUID })},
		{Name: "retry_policy", Doc: "`delays_seconds` (a list), `jitter`, `disable_after_exhausted`, `disable_after_seconds`; absent ones are those of the tenant, the format or the server.",
			read: (*entry).retryPolicy},
		{Name: "timeout_ms", Doc: "The time limit of one attempt: 1000 to 60000; 15000 if absent.",
			read: (*entry).timeout},
		{Name: "rate_limit", Doc: "The rate at which requests start: `per_second`, and `burst` (1 if absent).",
			read: (*entry).rateLimit},
		{Name: "handshake", Doc: "`true` asks the URL for consent before a new or changed entry is applied, as CloudEvents web hooks do.",
			read: (*entry).handshake},
		{Name: "filter", Doc: "An expression that must be true for an event to match.",
			read: text(func(e *entry) *string { return &settings(e).Filter })},
		{Name: "transform", Doc: "A jq program that turns the event into the data for this webhook.",
			read: text(func(e *entry) *string { return &settings(e).Transform })},
		{Name: "description", Doc: "What it is for.",
			read: text(func(e *entry) *string { return &settings(e).Description })},
		{Name: "status", Doc: "`active` (the default), `paused` (deliveries are held) or `disabled` (it gets none).",
			read: func(e *entry, v place) error {
				status, err := e.text(v)
				settings(e).Status = peal.WebhookStatus(status)
				return err
			}},
	}
}
