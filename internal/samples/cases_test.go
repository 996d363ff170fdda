package samples_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/wire"
)

// format is one that the samples verify.
type format struct {
	name   string
	needed []string // headers without which it cannot be verified
	time   string   // header with the time; "" for none
	prefix string   // of a signature
	// joined is between several signatures; "" where there can be only one.
	joined string
	// secret and old are the receiver's, stranger is not.
	secret, old, stranger string
}

// awkward is a secret with bytes that are easily lost on the way to the key, and long is longer
// than a block of the hash.
const awkward = `schlüssel "&' $HOME \n %s %41 鍵=`

var long = strings.Repeat("a long secret, ", 15)

var formats = []format{
	{
		name: "standard", needed: []string{"webhook-id", "webhook-timestamp", "webhook-signature"}, time: "webhook-timestamp", prefix: "v1,", joined: " ",
		secret:   "whsec_/wAQIAr7774AAQIDBAUGBwgJCgsMDQ4P/w==",
		old:      "whsec_" + strings.Repeat("AP/+", 21) + "AA==",
		stranger: "whsec_c3RyYW5nZXIgc3RyYW5nZXIgc3RyYW5nZXI=",
	},
	{name: "x-webhook", needed: []string{"X-Webhook-Signature"}, time: "X-Webhook-Timestamp", prefix: "sha256=", secret: awkward, old: long, stranger: "other"},
	{name: "vikunja", needed: []string{"X-Vikunja-Signature"}, secret: awkward, old: long, stranger: "other"},
	{name: "github", needed: []string{"X-Hub-Signature-256"}, prefix: "sha256=", secret: awkward, old: long, stranger: "other"},
	{name: "stripe", needed: []string{"Stripe-Signature"}, time: "Stripe-Signature", prefix: "v1=", joined: ",", secret: "whsec_" + awkward, old: long, stranger: "whsec_other"},
}

// signature is the header that holds it.
func (f *format) signature() string { return f.needed[len(f.needed)-1] }

// signed returns the last signature of a request, without its prefix.
func (f *format) signed(r request) (before, signature string) {
	value := r.header.Get(f.signature())
	i := len(f.prefix)
	if f.joined != "" {
		i += strings.LastIndex(value, f.prefix)
	}
	return value[:i], value[i:]
}

// attempt is a request and what a receiver must make of it.
type attempt struct {
	name string
	request
	reason string // part of why it is refused; "" when it is verified
}

// essential reports whether even slow samples must handle this attempt.
func (a *attempt) essential() bool {
	return a.reason == "missing" || strings.HasPrefix(a.name, "no ") ||
		slices.Contains([]string{"as it came", "another secret", "a byte flipped", "six minutes old"}, a.name)
}

const wrong = "no signature fits"

// attempts returns variations of a captured request.
func (f *format) attempts(t *testing.T, captured request) []attempt {
	before, signature := f.signed(captured)
	size := len(captured.body)
	indented := new(bytes.Buffer)
	if err := json.Indent(indented, captured.body, "", "  "); err != nil {
		t.Fatal(err)
	}
	other := "A"
	if signature[0] == 'A' {
		other = "B"
	}
	sign := func(text string) request { return captured.with(f.signature(), text) }
	list := []attempt{
		{"as it came", captured, ""},
		{"header names in lower case", captured.spelled(strings.ToLower), ""},
		{"header names in upper case", captured.spelled(strings.ToUpper), ""},
		{"the old secret", signedAt(t, f.name, f.old, 0), ""},
		{"another secret", signedAt(t, f.name, f.stranger, 0), wrong},
		{"the first byte flipped", captured.flipped(0), wrong},
		{"a byte flipped", captured.flipped(size / 2), wrong},
		{"the last byte flipped", captured.flipped(size - 1), wrong},
		{"the last byte cut off", captured.withBody(captured.body[:size-1]), wrong},
		{"a line break added", captured.withBody(append(bytes.Clone(captured.body), '\n')), wrong},
		{"a zero byte added", captured.withBody(append(bytes.Clone(captured.body), 0)), wrong},
		{"written again", captured.withBody(indented.Bytes()), wrong},
		{"no body", captured.withBody(nil), wrong},
		{"the signature's first character changed", sign(before + other + signature[1:]), wrong},
		{"the signature cut off", sign(before + signature[:len(signature)-1]), wrong},
		{"the signature lengthened", sign(before + signature + "0"), wrong},
		{"the signature in upper case", sign(before + strings.ToUpper(signature)), wrong},
		{"no signature after its prefix", sign(before), ""},
		{"a signature outside ASCII", sign(before + "é\xff" + signature[3:]), wrong},
		{"an empty signature", sign(""), "missing"},
	}
	blank := slices.IndexFunc(list, func(a attempt) bool { return a.name == "no signature after its prefix" })
	if list[blank].reason = wrong; before == "" { // the header is empty then
		list[blank].reason = "missing"
	}
	for _, name := range f.needed {
		list = append(list, attempt{"no " + name, captured.without(name), "header " + strings.ToLower(name) + " is missing"})
	}
	if f.prefix != "" {
		list = append(list, attempt{"no prefix", sign(strings.TrimSuffix(before, f.prefix) + signature), wrong})
	}
	return append(list, f.joinedAttempts(captured)...)
}

// joinedAttempts are those with several signatures.
func (f *format) joinedAttempts(captured request) []attempt {
	if f.joined == "" {
		return nil
	}
	before, signature := f.signed(captured)
	lead := strings.TrimSuffix(before, f.prefix)
	join := func(signatures ...string) request {
		return captured.with(f.signature(), lead+strings.Join(signatures, f.joined))
	}
	right, strange := f.prefix+signature, f.prefix+strings.Repeat("0", len(signature))
	return []attempt{
		{"the right signature second", join(strange, right), ""},
		{"the right signature first", join(right, strange), ""},
		{"signatures of other versions", join("v1a,c2lnbmF0dXJl", "v0=5257a869e7", right), ""},
		{"two wrong signatures", join(strange, strange), wrong},
		{"the signature under another version", join("v0" + right[2:]), wrong},
	}
}

// timedAttempts returns variations of the time and of other signed texts. They must be sent at
// once: within a minute, some no longer have the age in their name.
func (f *format) timedAttempts(t *testing.T, captured request) []attempt {
	if f.time == "" {
		return nil
	}
	list := []attempt{
		{"four minutes old", signedAt(t, f.name, f.secret, -4*time.Minute), ""},
		{"four minutes early", signedAt(t, f.name, f.secret, 4*time.Minute), ""},
		{"six minutes old", signedAt(t, f.name, f.secret, -6*time.Minute), "timestamp"},
		{"six minutes early", signedAt(t, f.name, f.secret, 6*time.Minute), "timestamp"},
	}
	switch f.name {
	case "standard":
		now := captured.header.Get(f.time)
		list = append(list,
			attempt{"another id", captured.with("webhook-id", "event_7"), wrong},
			attempt{"another second", captured.with(f.time, nextSecond(now)), wrong},
			attempt{"no number for a time", captured.with(f.time, "soon"), "timestamp"},
			attempt{"a time with a fraction", captured.with(f.time, now+".5"), "timestamp"},
		)
	case "x-webhook":
		list = append(list,
			attempt{"no time", captured.without(f.time), ""}, // it is not signed
			attempt{"no number for a time", captured.with(f.time, "soon"), "timestamp"},
		)
	case "stripe":
		value := captured.header.Get(f.time)
		now := value[len("t="):strings.IndexByte(value, ',')]
		list = append(list,
			attempt{"another second", captured.with(f.time, strings.Replace(value, now, nextSecond(now), 1)), wrong},
			attempt{"no number for a time", captured.with(f.time, strings.Replace(value, now, "soon", 1)), "timestamp"},
			attempt{"no time", captured.with(f.time, strings.TrimPrefix(value, "t="+now+",")), "timestamp"},
			attempt{"spaces between parts", captured.with(f.time, strings.Replace(value, ",", ", ", 1)), ""},
		)
	}
	return list
}

// nextSecond returns another time close to seconds.
func nextSecond(seconds string) string {
	last := len(seconds) - 1
	return seconds[:last] + string('0'+(seconds[last]-'0'+1)%10)
}

// TestAttempts holds the attempts themselves to Peal's own verification.
func TestAttempts(t *testing.T) {
	sender := startSender(t)
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			captured := capture(t, sender.tenant(t, f.name), f)
			for _, a := range append(f.attempts(t, captured), f.timedAttempts(t, captured)...) {
				err := wire.Verify(f.name, canonical(a.header), a.body, f.secret, f.old)
				if (err == nil) != (a.reason == "") {
					t.Errorf("%s: %v, want %q", a.name, err, a.reason)
				}
			}
		})
	}
}

func canonical(header http.Header) http.Header {
	out := make(http.Header)
	for name, values := range header {
		out[http.CanonicalHeaderKey(name)] = values
	}
	return out
}
