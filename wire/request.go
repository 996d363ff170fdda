package wire

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// UserAgent is what requests say who sends them, unless a webhook's headers say otherwise.
const UserAgent = "Peal/1"

// Request is what goes to a webhook's endpoint, always with the method POST.
type Request struct {
	URL string
	// Header holds the names as they are documented, which is not always Go's
	// canonical spelling ("webhook-id"); net/http sends them as they are.
	Header http.Header
	Body   []byte
	// Secret names the headers that a webhook's settings keep secret, all that it sets itself: they
	// are sent, but no record may show them.
	Secret []string
}

// Input is everything that a request is made of.
type Input struct {
	// Event is what is delivered, its Data transformed for this webhook: valid JSON.
	Event      *peal.Event
	Webhook    *peal.Webhook
	DeliveryID peal.DeliveryID
	// Time is when this attempt is made: what signatures cover and what decides
	// which secrets are active.
	Time time.Time
	// Context ends the programs of formats that have some; nil for none. They report its error.
	Context context.Context
	// Variables gives the value of {{NAME}} in header values; nil when there are none.
	Variables func(name string) (value string, ok bool)
}

// Request makes the exact request of one attempt: the format's headers and body,
// then User-Agent, then the webhook's authorization, then its extra headers, each
// replacing a header of the same name in any case. Its errors are *[peal.Error] of
// code Invalid and name the field of the webhook or event that is to blame.
func (f *Format) Request(in *Input) (Request, error) {
	if len(in.Event.Data) == 0 {
		return Request{}, peal.Invalidf("data", "is missing: an event's data is one JSON value")
	}
	header, body, err := f.Encode(in)
	if err != nil {
		return Request{}, err
	}
	if header["User-Agent"] == nil { // of a format that was made elsewhere
		header["User-Agent"] = []string{UserAgent}
	}
	w := in.Webhook
	if w.Authorization != "" {
		header["Authorization"] = []string{w.Authorization}
	}
	secret := f.Confidential[:len(f.Confidential):len(f.Confidential)]
	for name, template := range w.Headers {
		value, err := fill("headers."+name, template, in.Variables)
		if err != nil {
			return Request{}, err
		}
		secret = append(secret, name)
		setHeader(header, name, value)
	}
	return Request{URL: w.URL, Header: header, Body: body, Secret: secret}, nil
}

// makeHeader makes a header of names and values in turn, and User-Agent, with room
// for Authorization. The values share one allocation.
func makeHeader(pairs ...string) http.Header {
	count := len(pairs) / 2
	header := make(http.Header, count+2)
	values := make([]string, count+1)
	for i := range count {
		values[i] = pairs[2*i+1]
		header[pairs[2*i]] = values[i : i+1 : i+1]
	}
	values[count] = UserAgent
	header["User-Agent"] = values[count:]
	return header
}

// setHeader replaces the header of this name in any case and keeps the new spelling.
func setHeader(header http.Header, name, value string) {
	for old := range header {
		if strings.EqualFold(old, name) {
			delete(header, old)
		}
	}
	switch {
	case strings.EqualFold(name, "User-Agent"), strings.EqualFold(name, "Accept-Encoding"):
		// The transport adds its own beside any other spelling of these.
		name = http.CanonicalHeaderKey(name)
	}
	header[name] = []string{value}
}

// getHeader finds a header in any spelling of its name; ok is false when it is
// missing or empty.
func getHeader(header http.Header, name string) (value string, ok bool) {
	if value := header.Get(name); value != "" {
		return value, true
	}
	for other, values := range header {
		if len(values) > 0 && values[0] != "" && strings.EqualFold(other, name) {
			return values[0], true
		}
	}
	return "", false
}

// eventID is the event's name in the world.
func eventID(e *peal.Event) string {
	if e.ID != "" {
		return e.ID
	}
	return e.Key.String()
}

// eventTime is when the event happened: the same in every attempt.
func eventTime(in *Input) string {
	if !in.Event.Time.IsZero() {
		return in.Event.Time.String()
	}
	return instantOf(in).UTC().Format(time.RFC3339Nano)
}

func instantOf(in *Input) time.Time {
	switch {
	case !in.Event.Time.IsZero():
		return in.Event.Time.Time()
	case !in.Event.Key.IsZero():
		return in.Event.AcceptedAt()
	}
	return in.Time // a preview of an event that was never accepted
}

func unixText(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
