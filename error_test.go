package peal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

func TestErrorText(t *testing.T) {
	cause := errors.New("disk full")
	for _, test := range []struct {
		err  *peal.Error
		want string
	}{
		{peal.Errorf(peal.Conflict, "the name %q is taken", "a"), `the name "a" is taken`},
		{peal.Invalidf("events[2].data", "is %d bytes", 7), "events[2].data: is 7 bytes"},
		{&peal.Error{Code: peal.Unavailable, Message: "cannot write", Err: cause}, "cannot write: disk full"},
		{&peal.Error{Code: peal.Unavailable, Field: "data", Message: "cannot write", Err: cause}, "data: cannot write: disk full"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	wrapped := fmt.Errorf("publish: %w", &peal.Error{Code: peal.Unavailable, Err: cause})
	if !errors.Is(wrapped, cause) {
		t.Error("the cause is not in the chain")
	}
}

func TestCodeOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want peal.ErrorCode
	}{
		{nil, ""},
		{io.EOF, peal.Internal},
		{peal.ErrStaleRoutes, peal.Internal},
		{peal.Errorf(peal.NotFound, "no such webhook"), peal.NotFound},
		{fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", peal.Errorf(peal.RateLimited, "slow down"))), peal.RateLimited},
		{&peal.Error{Code: peal.Unavailable, Err: peal.Errorf(peal.Conflict, "inner")}, peal.Unavailable},
		{errors.Join(io.EOF, peal.Errorf(peal.Forbidden, "no")), peal.Forbidden},
	} {
		if got := peal.CodeOf(test.err); got != test.want {
			t.Errorf("%v: code %q, want %q", test.err, got, test.want)
		}
	}
}

// The value of a secret does not show in any way of printing it or its container.
func TestSecretsDoNotShow(t *testing.T) {
	const value = "whsec_C2FVsBQIhrscChlQIMV"
	secret := peal.Secret{Value: value, CreatedAt: time.Now()}
	holders := map[string]any{
		"secret": secret, "pointer": &secret, "webhook": peal.Webhook{Secrets: []peal.Secret{secret}},
		"webhook pointer": &peal.Webhook{Secrets: []peal.Secret{secret}}, "map": map[string]any{"a": secret}, "slice": []peal.Secret{secret},
	}
	for name, holder := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10v", "%-5.2s"} {
			hidden(t, name+" with "+verb, fmt.Sprintf(verb, holder), value)
			hidden(t, name+" with "+verb, fmt.Errorf("holder: "+verb, holder).Error(), value)
		}
		hidden(t, name+" with Println", fmt.Sprintln(holder), value)
		text, err := json.Marshal(holder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		hidden(t, name+" as JSON", string(text), value)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("created", "holder", holder)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("created", "holder", holder, slog.Group("in", "holder", holder))
		hidden(t, name+" in a log", log.String(), value)
	}
	if got := fmt.Sprint(secret); got != "[redacted]" {
		t.Errorf("a secret is printed as %q", got)
	}
	if got := secret.String(); got != "[redacted]" {
		t.Errorf("a secret's text is %q", got)
	}
}

// hidden fails when a piece of a value is in a text, as it is or in hexadecimal.
func hidden(t *testing.T, how, text, value string) {
	t.Helper()
	for _, piece := range []string{value, value[:8], fmt.Sprintf("%x", value[:8]), fmt.Sprintf("%X", value[:8])} {
		if strings.Contains(text, piece) {
			t.Errorf("%s: the secret shows: %s", how, text)
		}
	}
}

func TestFault(t *testing.T) {
	cause := errors.New("disk full")
	first := peal.Fault("timeout", message.Range, 1, 60)
	if first.Code != peal.Invalid || first.Error() != "timeout: must be from 1 to 60" || first.Text().Message != message.Range {
		t.Errorf("got %s %q with the text %v", first.Code, first, first.Text())
	}
	if moved := first.At("burst"); moved.Error() != "burst: must be from 1 to 60" || first.Field != "timeout" {
		t.Errorf("got %q from %q", moved, first)
	}
	busy := peal.Fail(peal.Unavailable, message.StoreBusy)
	later := busy.RetryIn(time.Second).Because(cause)
	if later.RetryAfter != time.Second || !errors.Is(later, cause) || later.Text().Message != message.StoreBusy {
		t.Errorf("got %+v", later)
	}
	if busy.RetryAfter != 0 || busy.Err != nil {
		t.Errorf("the first error has become %+v", busy)
	}
	if text := peal.Errorf(peal.Conflict, "stopped").Text(); text.Message != "" {
		t.Errorf("an error without a key has the text %v", text)
	}
}
