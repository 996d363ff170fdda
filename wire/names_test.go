package wire_test

import (
	"slices"
	"testing"

	"github.com/pealhq/peal/wire"
)

// Every built-in format has a constant of its name.
func TestNames(t *testing.T) {
	names := []string{
		wire.CloudEvents, wire.CloudEventsBinary, wire.DejaCode, wire.Discord, wire.GitHub, wire.MSTeams,
		wire.Slack, wire.Standard, wire.Stripe, wire.Vikunja, wire.WireGuardPortal, wire.XWebhook,
	}
	var formats []string
	for _, f := range wire.Formats() {
		formats = append(formats, f.Name)
	}
	if !slices.Equal(names, formats) {
		t.Errorf("the constants are %q, the formats %q", names, formats)
	}
}
