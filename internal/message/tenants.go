package message

const (
	// Tenants, quotas and themes.

	NoTenant        Message = "no_tenant: there is no tenant {name}"
	TenantExists    Message = "tenant_exists: there is a tenant {name} already"
	TenantNameTaken Message = "tenant_name_taken: there is a tenant of this name already"
	TenantNeeded    Message = "tenant_needed: the tenant {name} cannot be deleted: the server needs it"
	TenantDeleting  Message = "tenant_deleting: the tenant is being deleted; its name can be used again when that is done"
	TenantFormat    Message = "tenant_format: is not the name of a format"
	QuotaUnknown    Message = "quota_unknown: is unknown; use one of webhooks, sources, keys, portal_links, users, sessions, " +
		"event_types, streams, pending_deliveries, pending_bytes and events_per_second"
	QuotaRange      Message = "quota_range: must be from 0 (no limit) to {most}"
	QuotaOfWebhooks Message = "quota_of_webhooks: must be at most limits.max_deliveries ({most}), or an event to all of them " +
		"cannot be published; raise both"
	QuotaOfEventTypes Message = "quota_of_event_types: must be left out; catalogues are shared, and the server's setting limits " +
		"each"
	PendingUsedUp Message = "pending_used_up: the quota {name} is used up: {used} of {limit}; wait until deliveries have " +
		"arrived, cancel some, or ask the operator to raise it"
	StreamsUsedUp Message = "streams_used_up: the quota {name} is used up: {used} of {limit} live pages are open; close one, " +
		"or ask the operator to raise it"
	RateUsedUp Message = "rate_used_up: the quota {name} is used up: more than {limit} events a second; wait before the " +
		"next one"
	QuotaUsedUp Message = "quota_used_up: the quota {name} is used up: {used} of {limit}; remove some, or ask the operator " +
		"to raise it"
	ThemeMode     Message = "theme_mode: must be auto, light or dark"
	ThemeLanguage Message = "theme_language: must be a language's short name in lower case, such as de"
	ThemeName     Message = "theme_name: must have at most {n} characters, without line breaks or control characters"
	ThemeColour   Message = "theme_colour: must be a colour such as #3b3fb6, which is # and six hexadecimal digits"
	ThemeContrast Message = "theme_contrast: has a contrast of {n} to 1 to what is behind it, which many people cannot read; " +
		"at least {min} to 1 is needed: {remedy}"
	LogoType     Message = "logo_type: must be a PNG, JPEG, GIF, WebP or SVG picture"
	LogoTooLarge Message = "logo_too_large: is {n} bytes, at most {max} are kept; use a smaller picture"
	NoTheme      Message = "no_theme: tenant {name} has no theme of its own"

	// Users, keys and portal links.

	RoleUnknown       Message = "role_unknown: must be owner, editor or viewer"
	UserNameCase      Message = "user_name_case: must be in lower case, without spaces around it"
	UserNameSpaces    Message = "user_name_spaces: must not hold spaces or control characters"
	PasswordTooShort  Message = "password_too_short: must have at least {n} characters: a few words make a good one"
	PasswordTooLong   Message = "password_too_long: must have at most {n} characters"
	PasswordIsName    Message = "password_is_name: must not be the name"
	ScopesMissing     Message = "scopes_missing: is missing; set one or more of publish, manage and read"
	ScopeUnknown      Message = "scope_unknown: must be publish, manage, read or metrics"
	MetricsAlone      Message = "metrics_alone: must be either metrics alone or other scopes"
	MetricsOfTenant   Message = "metrics_of_tenant: must not be metrics for a tenant's key; the metrics are those of all tenants"
	OperatorKeyScopes Message = "operator_key_scopes: must be absent; an operator's key has all rights"
	OperatorUser      Message = "operator_user: only an operator may create a user who sees every tenant"
	OperatorKey       Message = "operator_key: only an operator may create an operator's key"
	MetricsKey        Message = "metrics_key: only an operator may create a key with the scope metrics: it reads the numbers of " +
		"all tenants"
	ScopeLacking     Message = "scope_lacking: you lack the scope {scope}, so you cannot give it to a key"
	NoUser           Message = "no_user: there is no such user"
	UserExists       Message = "user_exists: there is such a user already"
	UserNameTaken    Message = "user_name_taken: there is a user of this name already"
	PersonTaken      Message = "person_taken: another user signs in as that person"
	UsersExist       Message = "users_exist: there are users already: one who is an owner makes others"
	NoKeyOfID        Message = "no_key_of_id: there is no key {name}"
	NoKey            Message = "no_key: there is no such key"
	KeyExists        Message = "key_exists: there is such a key already"
	NoPortalLink     Message = "no_portal_link: there is no such portal link"
	PortalLinkExists Message = "portal_link_exists: there is such a portal link already"

	// Signing in.

	SignInWrong       Message = "sign_in_wrong: the name or the password is wrong"
	LinkUsed          Message = "link_used: the link was used already, or has expired"
	TooManyGuesses    Message = "too_many_guesses: there were too many failed attempts; wait before you try again"
	TooManySignIns    Message = "too_many_sign_ins: too many are signing in: wait before you try again"
	NotSignedIn       Message = "not_signed_in: nobody is signed in"
	SessionEnded      Message = "session_ended: the session has ended: sign in again"
	SessionOver       Message = "session_over: the session has ended"
	NoSession         Message = "no_session: there is no such session"
	ForeignPage       Message = "foreign_page: the request comes from another site's page"
	NoPassword        Message = "no_password: only a user has a password"
	PasswordWrong     Message = "password_wrong: the current password is wrong"
	OpenIDOff         Message = "openid_off: nobody signs in with OpenID here"
	OpenIDForeign     Message = "openid_foreign: the sign-in was not started in this browser, or took too long: start again"
	OpenIDIssuer      Message = "openid_issuer: another sign-in service answered: start again"
	OpenIDDenied      Message = "openid_denied: the sign-in service did not let you in"
	OpenIDUntrusted   Message = "openid_untrusted: the answer of the sign-in service cannot be trusted: start again"
	OpenIDUnreachable Message = "openid_unreachable: the sign-in service cannot be reached: try again later"
	OpenIDUnverified  Message = "openid_unverified: the sign-in service has not verified your e-mail address"
	OpenIDDomain      Message = "openid_domain: only verified e-mail addresses of certain domains may enter"
	OpenIDOtherPerson Message = "openid_other_person: the user with your e-mail address signs in as somebody else"
	OpenIDNoUser      Message = "openid_no_user: there is no user with your e-mail address here: ask an owner"
	OpenIDNoRole      Message = "openid_no_role: the sign-in service grants you no role here: ask an owner"
	OpenIDUserName    Message = "openid_user_name: your e-mail address cannot be the name of a user"
)
