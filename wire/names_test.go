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

// Callers own what Lookup and Formats return.
func TestFormatsAreCopies(t *testing.T) {
	f, ok := wire.Lookup(wire.XWebhook)
	if !ok {
		t.Fatal("no format of that name")
	}
	f.Encode, f.Verify = nil, nil
	f.Headers[0], f.RetryPolicy.Delays[0], f.RetryPolicy.Jitter = "changed", 0, 1
	for _, f := range wire.Formats() {
		f.Name = "changed"
	}
	again, ok := wire.Lookup(wire.XWebhook)
	if !ok || again.Encode == nil || again.Verify == nil || again.Headers[0] == "changed" ||
		again.RetryPolicy.Delays[0] == 0 || again.RetryPolicy.Jitter == 1 {
		t.Errorf("a caller changed a built-in format: %+v", again)
	}
	if _, ok := wire.Lookup("changed"); ok {
		t.Error("a caller renamed a built-in format")
	}
}
