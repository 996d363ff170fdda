package samples_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
)

// TestSamples runs each language's receiver for each format: real deliveries of a
// real server come to it, and variations of one that must be refused.
func TestSamples(t *testing.T) {
	sender := startSender(t)
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			if program := l.missing(); program != "" {
				note(&ledger.missing, fmt.Sprintf("%s (%s is not on this machine)", l.name, program))
				t.Skipf("the %s sample was not run: %s is not on this machine; install %s", l.name, program, l.install)
			}
			note(&ledger.ran, l.name)
			var command []string
			if len(l.files) > 1 {
				command = l.command(t)
			}
			for _, f := range formats {
				t.Run(f.name, func(t *testing.T) {
					r := l.startReceiver(t, command, f.name, f.secret, f.old)
					c := sender.tenant(t, filepath.Dir(l.files[0])+"-"+f.name)
					testDeliveries(t, c, r, f)
					captured := capture(t, c, f)
					r.try(t, f.attempts(t, captured), l.slow && f.name != "standard")
					r.try(t, f.timedAttempts(t, captured), l.slow && f.name != "standard")
				})
			}
		})
	}
}

// testDeliveries lets Peal deliver to the receiver.
func testDeliveries(t *testing.T, c *client.Client, r *receiver, f format) {
	t.Helper()
	webhook := createWebhook(t, c, r.url+"/hook", f.name, f.secret)
	publish(t, c)
	if line := r.said(t); !strings.HasPrefix(line, "verified "+f.name+": ") {
		t.Errorf("an event was published, and the receiver says %q", line)
	}
	expect(t, r, "a delivery", deliver(t, c, webhook), "")

	old := createWebhook(t, c, r.url+"/hook", f.name, f.old)
	expect(t, r, "a delivery with the receiver's old secret", deliver(t, c, old), "")

	stranger := createWebhook(t, c, r.url+"/hook", f.name, f.stranger)
	expect(t, r, "a delivery with a secret that the receiver does not know", deliver(t, c, stranger), wrong)

	if f.joined == "" {
		return
	}
	// The sender's new secret, which the receiver does not know yet, signs first.
	rotation, err := c.RotateWebhookSecret(t.Context(), webhook.ID, client.RotateRequest{Secret: &f.stranger, OverlapSeconds: new(3600)})
	if err != nil || rotation.PreviousExpiresAt.IsZero() {
		t.Fatalf("rotate: %+v, %v", rotation, err)
	}
	expect(t, r, "a delivery during a rotation", deliver(t, c, webhook), "")
}

func expect(t *testing.T, r *receiver, what string, answer client.AttemptResponse, reason string) {
	t.Helper()
	r.check(t, what, answer.Status, answer.Body, reason)
}

// try sends each attempt, or only the essential ones.
func (r *receiver) try(t *testing.T, attempts []attempt, essential bool) {
	t.Helper()
	for _, a := range attempts {
		if !essential || a.essential() {
			status, text := a.send(t, r.url)
			r.check(t, a.name, status, text, a.reason)
		}
	}
}

// check holds a receiver's answer and its line to what they must be.
func (r *receiver) check(t *testing.T, what string, status int, text, reason string) {
	t.Helper()
	if status != http.StatusNoContent && status != http.StatusUnauthorized {
		t.Fatalf("%s: answer %d %q", what, status, text)
	}
	line := r.said(t)
	if reason == "" {
		if status != http.StatusNoContent || text != "" || !strings.HasPrefix(line, "verified ") {
			t.Errorf("%s: answer %d %q and line %q; it must be verified", what, status, text, line)
		}
		return
	}
	contains := func(text string) bool { return strings.Contains(strings.ToLower(text), reason) }
	if status != http.StatusUnauthorized || !contains(text) || !contains(line) || !strings.HasPrefix(line, "refused ") {
		t.Errorf("%s: answer %d %q and line %q; it must be refused with %q", what, status, text, line, reason)
	}
}
