package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// signedInput returns an input, with a secret if the format takes one.
func signedInput(t testing.TB, f *wire.Format, data string) (*wire.Input, string) {
	t.Helper()
	secret := f.FreshSecret()
	if secret == "" {
		in := input(f.Name, data)
		in.Webhook.Authorization = "Bearer s3cr3t-token"
		return in, in.Webhook.Authorization
	}
	if err := f.CheckSecret(secret); err != nil {
		t.Fatalf("%s refuses its own secret: %v", f.Name, err)
	}
	return input(f.Name, data, secret), secret
}

// For any data, in every format that can be read back: encoding and verifying succeeds, a flipped
// bit fails where there is a signature, and decoding returns the event again.
func FuzzEncodeVerifyDecode(f *testing.F) {
	f.Add([]byte(`{"id":7,"text":"<é\u2028>","n":18446744073709551615}`), uint(3), "subject")
	f.Add([]byte(`"\ud800"`), uint(0), "")
	f.Add([]byte(` [1, 2.50] `), uint(77), "a b%\"é")
	f.Add([]byte(`{"object":{},"previous_attributes":{"a":1}}`), uint(9), "x")
	f.Add([]byte(`{"object":{"object":1}}`), uint(9), "x")
	f.Fuzz(func(t *testing.T, data []byte, flip uint, subject string) {
		probe := peal.Event{Type: "a.b", Data: data, Subject: subject}
		if probe.Validate(1<<20) != nil {
			return
		}
		for _, format := range wire.Formats() {
			in, secret := signedInput(t, format, string(data))
			in.Event.Subject = subject
			r, err := format.Request(in)
			if err != nil {
				t.Fatalf("%s: %v", format.Name, err)
			}
			if format.Name != "github" && format.Name != "cloudevents-binary" && !json.Valid(r.Body) {
				t.Fatalf("%s: body %q is no JSON", format.Name, r.Body)
			}
			header := received(r.Header)
			if format.Verify == nil {
				continue
			}
			if err := wire.Verify(format.Name, header, r.Body, "another", secret); err != nil && format.Name != "standard" {
				t.Fatalf("%s: %v", format.Name, err)
			}
			if err := wire.Verify(format.Name, header, r.Body, secret); err != nil {
				t.Fatalf("%s: %v", format.Name, err)
			}
			event, err := format.Decode(header, r.Body)
			if err != nil {
				t.Fatalf("%s: decode %q: %v", format.Name, r.Body, err)
			}
			if event.Type != in.Event.Type || !sameJSON(t, event.Data, data) {
				t.Fatalf("%s: decoded type %q and data %s of %s", format.Name, event.Type, event.Data, data)
			}
			if format.SignatureHeader == "" {
				continue
			}
			flipped := append([]byte(nil), r.Body...)
			flipped[flip%uint(len(flipped))] ^= 1 << (flip % 7)
			var refused *wire.VerifyError
			if err := wire.Verify(format.Name, header, flipped, secret); !errors.As(err, &refused) || refused.Reason != wire.ReasonWrong {
				t.Fatalf("%s: a flipped bit gives %v", format.Name, err)
			}
		}
	})
}

// What a format carries comes back as it was.
func TestDecodeIsTheInverse(t *testing.T) {
	carries := map[string]string{ // beside type and data; "" for nothing
		"standard": "id time", "x-webhook": "delivery seconds", "vikunja": "time", "wireguard-portal": "subject", "dejacode": "",
		"cloudevents": "id time subject", "cloudevents-binary": "id time subject", "github": "delivery", "stripe": "id seconds",
	}
	has := func(format, what string) bool {
		for _, word := range strings.Fields(carries[format]) {
			if word == what {
				return true
			}
		}
		return false
	}
	for _, format := range wire.Formats() {
		if format.Decode == nil {
			continue
		}
		t.Run(format.Name, func(t *testing.T) {
			in, _ := signedInput(t, format, `{"a": [1, 2.50]}`)
			in.Event.Subject = "naïve % \"subject\""
			in.Event.Time = mustTime(t, "2026-11-21T10:30:00.25+02:00")
			r := request(t, in)
			event, err := format.Decode(received(r.Header), r.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := peal.Event{Type: in.Event.Type}
			switch {
			case has(format.Name, "id"):
				want.ID = in.Event.ID
			case has(format.Name, "delivery"):
				want.ID = in.DeliveryID.String()
			}
			if has(format.Name, "subject") {
				want.Subject = in.Event.Subject
			}
			switch {
			case has(format.Name, "time"):
				want.Time = in.Event.Time
			case has(format.Name, "seconds"):
				want.Time = mustTime(t, "2026-11-21T08:30:00Z")
			}
			if event.ID != want.ID || event.Type != want.Type || event.Subject != want.Subject || event.Time != want.Time {
				t.Errorf("decoded id %q, type %q, subject %q, time %v; want %q, %q, %q, %v",
					event.ID, event.Type, event.Subject, event.Time, want.ID, want.Type, want.Subject, want.Time)
			}
			if !sameJSON(t, event.Data, in.Event.Data) {
				t.Errorf("decoded data %s", event.Data)
			}
		})
	}
}

func mustTime(t testing.TB, text string) peal.Timestamp {
	t.Helper()
	stamp, err := peal.ParseTimestamp(text)
	if err != nil {
		t.Fatal(err)
	}
	return stamp
}

func TestTimesOnTheWire(t *testing.T) {
	for _, c := range []struct{ format, time, want string }{
		{"vikunja", "2023-10-17T19:39:32.924194436+02:00", `"time":"2023-10-17T19:39:32.924194436+02:00"`},
		{"vikunja", "2023-10-17T19:39:32.100+02:00", `"time":"2023-10-17T19:39:32.1+02:00"`},
		{"vikunja", "2023-10-17T19:39:30.000Z", `"time":"2023-10-17T19:39:30Z"`},
		{"vikunja", "2023-10-17T19:39:30+00:00", `"time":"2023-10-17T19:39:30Z"`},
		{"vikunja", "2023-10-17T19:39:30.50-00:00", `"time":"2023-10-17T19:39:30.5Z"`},
		{"x-webhook", "2023-10-17T19:39:32.999999999+02:00", `"timestamp":"2023-10-17T17:39:32Z"`},
		{"x-webhook", "0000-01-01T00:00:00+01:00", `"timestamp":"0000-01-01T00:00:00Z"`},
		{"x-webhook", "9999-12-31T23:59:59-01:00", `"timestamp":"9999-12-31T23:59:59Z"`},
		{"standard", "2023-10-17T19:39:32.100+02:00", `"timestamp":"2023-10-17T19:39:32.100+02:00"`},
		{"cloudevents", "2023-10-17T19:39:32.100+02:00", `"time":"2023-10-17T19:39:32.100+02:00"`},
		{"stripe", "2023-10-17T19:39:32.999+02:00", `"created":1697564372`},
	} {
		in, _ := signedInput(t, format(t, c.format), `{}`)
		in.Event.Time = mustTime(t, c.time)
		if body := string(request(t, in).Body); !strings.Contains(body, c.want) {
			t.Errorf("%s of %s has no %s: %s", c.format, c.time, c.want, body)
		}
	}
}

// Without a time of the publisher's, it is when the event was accepted: the same in every attempt.
func TestBodyIsTheSameInEveryAttempt(t *testing.T) {
	for _, f := range wire.Formats() {
		in, _ := signedInput(t, f, `{"a":1}`)
		in.Event.Time = peal.Timestamp{}
		first := request(t, in)
		in.Time = in.Time.Add(20 * time.Hour)
		if second := request(t, in); string(first.Body) != string(second.Body) {
			t.Errorf("%s: body\n%s\nand later\n%s", f.Name, first.Body, second.Body)
		}
	}
}
