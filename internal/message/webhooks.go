package message

const (
	// Webhooks.

	WebhookStatus   Message = "webhook_status: must be active, paused or disabled"
	PatternsMissing Message = "patterns_missing: is missing or empty; name event types or patterns, such as task.created, task.* " +
		"or *"
	TooManyPatterns   Message = "too_many_patterns: has {n} patterns, at most {max} are allowed; use a wildcard such as task.*"
	PatternInvalid    Message = "pattern_invalid: must be an event type such as task.created, a prefix such as task.*, or *"
	TooManyDelays     Message = "too_many_delays: has {n} delays, at most {max} are allowed"
	JitterRange       Message = "jitter_range: must be from 0 to 0.5"
	DisableAfterRange Message = "disable_after_range: must be from 0 (never) to 1000000"
	DisableTimeRange  Message = "disable_time_range: must be from 0 (never) to 31536000"
	RateRange         Message = "rate_range: must be above 0 and at most 10000 requests a second, and 1 to 10000 at once"
	FormatUnknown     Message = "format_unknown: is unknown; use one of {names}"
	FormatUnavailable Message = "format_unavailable: is not known: use one of {names}"
	HandshakeFormat   Message = "handshake_format: is for the formats of CloudEvents: leave it out, or take the format cloudevents"
	ConsentUnanswered Message = "consent_unanswered: did not answer the handshake (OPTIONS with {header}: {origin}): {cause}"
	ConsentRefused    Message = "consent_refused: does not consent to the handshake: OPTIONS with {header}: {origin} was answered " +
		"{code} {text}; {allowed} must be that origin or *"
	ConsentRate Message = "consent_rate: answered the handshake {value}; it must be requests a minute as a whole number " +
		"above 0, or *"
	DejacodeObject Message = "dejacode_object: must be an object: the format dejacode puts the fields of {name} at the top of " +
		"its body"
	WireguardType Message = "wireguard_type: is {type}, which the format wireguard-portal cannot send: it must be " +
		"<entity>.<event>, such as peer.connect"
	WebhookManaged   Message = "webhook_managed: the server's configuration file owns this webhook: change it there"
	WebhookDisabled  Message = "webhook_disabled: the webhook is disabled: set it active or paused first"
	WebhookDeleted   Message = "webhook_deleted: the webhook was deleted"
	NoWebhook        Message = "no_webhook: there is no webhook {name}"
	WebhookExists    Message = "webhook_exists: there is a webhook {name} already"
	WebhookChanged   Message = "webhook_changed: the webhook was changed meanwhile; read it again and repeat the change"
	WebhookChanging  Message = "webhook_changing: the webhook changes too fast"
	WebhooksChanging Message = "webhooks_changing: the webhooks change too fast to publish; try again"
	BesideType       Message = "beside_type: cannot be combined with type or last; set exactly one"
	NoExample        Message = "no_example: has no example in the catalogue; give an event with data"
	PreviewTooCostly Message = "preview_too_costly: asks for more than the filter and the transform may work in one preview; ask " +
		"for fewer than {n} events"
	FormatBody Message = "format_body: {format} has no body for this event: its program {what}"

	// URLs and requests.

	URLNeeded        Message = "url_needed: must be a URL such as https://host/path"
	URLInvalid       Message = "url_invalid: is not a valid URL; write it as https://host/path"
	URLScheme        Message = "url_scheme: must start with https:// (or http:// where the operator allows it)"
	SchemeNotAllowed Message = "scheme_not_allowed: must start with https:// here; the operator can allow http with " +
		"egress.allow_http"
	SchemeHTTPS   Message = "scheme_https: must start with https://"
	NeedsHTTPS    Message = "needs_https: needs a URL that starts with https://"
	URLCharacters Message = "url_characters: must not hold spaces or control characters; escape them as %XX"
	URLPassword   Message = "url_password: must not hold a user name or password; put them in authorization"
	URLFragment   Message = "url_fragment: must not have a fragment (#…), which is never sent"
	URLRedacted   Message = "url_redacted: holds {word}, which only stands for a value that is not shown; set the URL as a " +
		"whole"
	URLHostMissing      Message = "url_host_missing: has no host"
	HostMissing         Message = "host_missing: has no host; write it as https://host/path"
	HostInvalid         Message = "host_invalid: has a host that is not a valid internationalized name"
	PortMissing         Message = "port_missing: has a colon without a port"
	PortRange           Message = "port_range: has a port outside 1 to 65535"
	AddressBlocked      Message = "address_blocked: cannot be reached: {cause}"
	URLUnreachable      Message = "url_unreachable: The URL cannot be reached now: {cause}."
	TokenURLUnreachable Message = "token_url_unreachable: The token URL cannot be reached now: {cause}."
	NameUnresolved      Message = "name_unresolved: the name {name} does not resolve: {cause}"
	NoSuchHost          Message = "no_such_host: no such host"
	NameServersSlow     Message = "name_servers_slow: its name servers did not answer in time"
	NameServersFailed   Message = "name_servers_failed: its name servers failed"
	TooManyHeaders      Message = "too_many_headers: has {n} headers, at most {max} are allowed"
	HeaderName          Message = "header_name: has a name that is not an HTTP token; use letters, digits and -"
	HeaderReserved      Message = "header_reserved: must not be set; it belongs to the connection"
	HeaderOfFormat      Message = "header_of_format: is a header that the format {format} signs or identifies deliveries with; take " +
		"another name"
	HeaderDuplicate   Message = "header_duplicate: is a duplicate: header names are case-insensitive"
	HeaderTooLong     Message = "header_too_long: is {n} bytes with its name, at most {max} are allowed"
	VariableOpen      Message = "variable_open: holds {{ without a variable's name and }}: write {{NAME}} in letters, digits and _"
	VariableLineBreak Message = "variable_line_break: holds a line break or control character once its variables are filled: " +
		"correct the variable"
	VariableUnavailable Message = "variable_unavailable: uses the variable {name}, which is not available to this webhook; correct " +
		"its name, or ask the operator"
	VariablesUnavailable Message = "variables_unavailable: uses a variable that is not available to this webhook; choose another " +
		"format, or ask the operator"
	FilledTooLong      Message = "filled_too_long: is longer than {n} bytes with its variables filled"
	CertificateTooLong Message = "certificate_too_long: has more than {n} bytes in its certificate or its key"
	CertificatesOnly   Message = "certificates_only: must contain only certificates"
	CertificateAndKey  Message = "certificate_and_key: needs a certificate and the private key that belongs to it, both in PEM, the " +
		"key without a password"
	CertificateExpires Message = "certificate_expires: The endpoint's certificate expires at {time}. Renew it, or deliveries fail " +
		"from then on."
	CertificateExpired Message = "certificate_expired: The endpoint's certificate expired at {time}. Renew it, or deliveries fail " +
		"from then on."
	ClientCertificateExpires Message = "client_certificate_expires: The webhook's client certificate expires at {time}. Replace it."
	ClientCertificateExpired Message = "client_certificate_expired: The webhook's client certificate expired at {time}. Replace it."
	TooManyPins              Message = "too_many_pins: has {n} pins, at most {max} are allowed"
	PinInvalid               Message = "pin_invalid: must be sha256/ and the SHA-256 of a public key in base64"
	BesideAuthorization      Message = "beside_authorization: cannot be combined with authorization; set one of them"
	OAuthScopes              Message = "oauth_scopes: must be at most {n} scopes of printable ASCII without spaces, {max} bytes in all"
	SetAgain                 Message = "set_again: must be set again, or taken away: {what} moves to another host, port or scheme, and " +
		"what was given for the old one does not go along"
	HTTPNotAllowed Message = "http_not_allowed: http is not allowed here, only https; the operator can allow it with " +
		"egress.allow_http"
	PortNotAllowed Message = "port_not_allowed: its port is not allowed here; the operator can allow it with egress.ports"
	AddressDenied  Message = "address_denied: its address is one that the operator denies with egress.deny"
	HostDenied     Message = "host_denied: its name is one that the operator denies with egress.deny_hosts"
	AddressSpecial Message = "address_special: its address is private or special; the operator can allow it with egress.allow, " +
		"or its name with egress.allow_hosts"
	AddressNumeric Message = "address_numeric: it is neither a name nor a standard IP address: write an address as " +
		"192.0.2.1"
	TargetRefused   Message = "target_refused: {host}: {why}"
	TargetRefusedAt Message = "target_refused_at: {host} ({address}): {why}"
	ItFails         Message = "it_fails: it {what}"

	// Secrets.

	SecretMissing  Message = "secret_missing: is missing: the format {format} always signs"
	SecretUnused   Message = "secret_unused: is not used by the format {format}; omit it"
	SecretPublic   Message = "secret_public: is a public key, which cannot sign; use the private key, whsk_…"
	NoPublicKey    Message = "no_public_key: has no public key: only whsk_ secrets do"
	SecretSame     Message = "secret_same: is the secret that there is already"
	SecretRedacted Message = "secret_redacted: is {word}, which only stands for a value that is not shown, and there is none to " +
		"keep; set the value"
	FormatUnsigned   Message = "format_unsigned: the format {format} does not sign, so there is no secret to rotate"
	SourceUnverified Message = "source_unverified: the source takes unverified requests, so there is no secret to rotate"
	OverlapRange     Message = "overlap_range: must be from 0 to 2592000 (30 days)"
	SecretNeeded     Message = "secret_needed: is missing: the format always signs"
	SecretTooLong    Message = "secret_too_long: must have at most {n} bytes"
	SecretEncoding   Message = "secret_encoding: must be the {encoding} of the key"
	SecretPrivateKey Message = "secret_private_key: must be the {encoding} of an ed25519 private key of 64 bytes: the seed and " +
		"the public key"
	Base64          Message = "base64: base64 (standard alphabet, padded)"
	Hexadecimal     Message = "hexadecimal: hexadecimal digits"
	SecretText      Message = "secret_text: must have 1 to {n} bytes of UTF-8"
	SecretEmpty     Message = "secret_empty: is empty"
	SecretLineBreak Message = "secret_line_break: must not hold line breaks"
	SecretHMAC      Message = "secret_hmac: must be whsec_ and the base64 (standard alphabet, padded) of 24 to 64 bytes"
	SecretEd25519   Message = "secret_ed25519: must be whsk_ and the base64 (standard alphabet, padded) of an ed25519 key of 32 " +
		"or 64 bytes"
	SecretHalves    Message = "secret_halves: is an ed25519 key with a second half that is not its public key"
	SecretVerifying Message = "secret_verifying: must be whpk_ and the base64 (standard alphabet, padded) of an ed25519 public " +
		"key of 32 bytes"
	SecretPrefix Message = "secret_prefix: must start with whsec_ (HMAC) or whsk_ (ed25519)"

	// Sources.

	SourceFormat        Message = "source_format: cannot be used by a source; use one of {names}"
	SourceSecretMissing Message = "source_secret_missing: is missing; set the sender's signing secret or, for a format without " +
		"signatures, the Authorization value that it sends; or set unverified to true to accept requests " +
		"from anybody who knows the URL"
	SourceSecretUnused   Message = "source_secret_unused: is not used by the format {format}; omit it and set unverified to true"
	UnverifiedWithSecret Message = "unverified_with_secret: must not be true when there is a secret; remove one of them"
	AuthorizationSpace   Message = "authorization_space: must not start or end with white space: no Authorization header arrives so"
	SourceDedup          Message = "source_dedup: must be id or body"
	SourceStatus         Message = "source_status: must be active or disabled"
	SourcePrefix         Message = "source_prefix: must not start with source_, which is the prefix of ids"
	NoSource             Message = "no_source: there is no such source"
	SourceExists         Message = "source_exists: there is a source {name} already"
	SourceChanged        Message = "source_changed: the source was changed meanwhile; read it again and repeat the change"
)
