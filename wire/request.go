package wire

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// UserAgent is the default value of the User-Agent header.
const UserAgent = "Peal/1"

// Request is a request to a webhook's endpoint. Its method is always POST.
type Request struct {
	URL string
	// Header holds names in their documented spelling, which is not always canonical
	// ("webhook-id"); net/http sends them unchanged.
	Header http.Header
	Body   []byte
	// Secret lists the headers with values from a webhook's settings. They are sent but must not
	// appear in records.
	Secret []string
}

// Input is the input for encoding a request.
type Input struct {
	// Event is the delivered event. Its Data is transformed for this webhook and valid JSON.
	Event      *peal.Event
	Webhook    *peal.Webhook
	DeliveryID peal.DeliveryID
	// Time is the time of the attempt. It is signed and determines the active secrets.
	Time time.Time
	// Context bounds the programs of custom formats, which return its error; nil for no bound.
	Context context.Context
	// Variables returns the value of {{NAME}} in header values; nil without variables.
	Variables func(name string) (value string, ok bool)
}

// Request returns the exact request of one attempt: the format's headers and body, then User-Agent,
// the webhook's authorization and its extra headers, each replacing a header of the same name,
// ignoring case. Errors are *[peal.Error] with code Invalid and the field of the webhook or event.
func (f *Format) Request(in *Input) (Request, error) {
	if len(in.Event.Data) == 0 {
		return Request{}, peal.Invalidf("data", "is missing: an event's data is one JSON value")
	}
	header, body, err := f.Encode(in)
	if err != nil {
		return Request{}, err
	}
	if header["User-Agent"] == nil { // a format defined outside this package
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

// makeHeader returns a header with alternating names and values, User-Agent, and space for
// Authorization. The values share one allocation.
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

// setHeader replaces a header, ignoring case, and uses the new spelling.
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

// getHeader returns a header, ignoring case; ok is false if it is missing or empty.
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

// eventID returns the publisher's identifier of the event, or its key.
func eventID(e *peal.Event) string {
	if e.ID != "" {
		return e.ID
	}
	return e.Key.String()
}

// eventTime returns the time of the event, which is the same in every attempt.
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
