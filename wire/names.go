package wire

// The names of the built-in formats, for a webhook's Format.
const (
	Standard          = "standard"
	CloudEvents       = "cloudevents"
	CloudEventsBinary = "cloudevents-binary"
	DejaCode          = "dejacode"
	Discord           = "discord"
	GitHub            = "github"
	MSTeams           = "msteams"
	Slack             = "slack"
	Stripe            = "stripe"
	Vikunja           = "vikunja"
	WireGuardPortal   = "wireguard-portal"
	XWebhook          = "x-webhook"
)
