package dashboard

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// webhookForm is the form that creates and changes a webhook, with the typed values.
type webhookForm struct {
	ID       string // "" for a new one
	Revision int64
	Values   url.Values
	// Faults are the faults by field.
	Faults map[string]string
	// Theirs lists values that somebody else has saved meanwhile and that differ from the typed
	// ones.
	Theirs  []difference
	Formats []*wire.Format
	Types   []typeChoice
	Policy  string // the retry policy in force, in words
	HasKey  bool   // whether there is an Authorization value
}

type typeChoice struct {
	Name, Description string
	Chosen            bool
}

// difference is a field with different values of two people.
type difference struct{ Field, Theirs, Yours string }

// maxTypes is the number of catalogue types to pick from; others need patterns.
const maxTypes = 500

// Value returns the value of a field.
func (f *webhookForm) Value(name string) string { return f.Values.Get(name) }

// Fault returns the fault of a field; "" for none.
func (f *webhookForm) Fault(name string) string { return f.Faults[name] }

// valuesOf returns a webhook as the values of its form.
func valuesOf(w *peal.Webhook) url.Values {
	v := url.Values{}
	set := func(name, value string) { v.Set(name, value) }
	set("url", w.URL)
	set("name", w.Name)
	set("description", w.Description)
	set("format", w.Format)
	set("patterns", strings.Join(w.Events, "\n"))
	if w.Status != peal.Disabled && w.Status != peal.Paused {
		set("active", "on")
	}
	var headers []string
	for name, value := range w.Headers {
		headers = append(headers, name+": "+value)
	}
	slices.Sort(headers)
	set("headers", strings.Join(headers, "\n"))
	set("extra_payload", string(w.ExtraPayload))
	if w.RetryPolicy != nil {
		set("delays", delaysText(w.RetryPolicy.Delays))
		set("jitter", strconv.FormatFloat(w.RetryPolicy.Jitter, 'g', -1, 64))
		set("disable_after", strconv.Itoa(w.RetryPolicy.DisableAfterExhausted))
	}
	if w.Timeout > 0 {
		set("timeout", strconv.FormatFloat(w.Timeout.Seconds(), 'g', -1, 64))
	}
	if w.RateLimit != nil {
		set("rate", strconv.FormatFloat(w.RateLimit.PerSecond, 'g', -1, 64))
		set("burst", strconv.Itoa(w.RateLimit.Burst))
	}
	set("filter", w.Filter)
	set("transform", w.Transform)
	set("uuid", w.UUID)
	if w.Handshake {
		set("handshake", "on")
	}
	return v
}

func delaysText(delays []time.Duration) string {
	words := make([]string, len(delays))
	for i, d := range delays {
		words[i] = shortDuration(d)
	}
	return strings.Join(words, ", ")
}

// shortDuration formats a duration without zero units: 1h for 1h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// reading sets a form's values on a webhook and collects faults.
type reading struct {
	values url.Values
	faults map[string]string
	texts  *texts
}

func (r *reading) text(name string) string { return strings.TrimSpace(r.values.Get(name)) }

func (r *reading) fault(name, key string) { r.faults[name] = r.texts.get(key) }

// number reads a number; ok is false if the field is empty or invalid.
func (r *reading) number(name string) (n float64, ok bool) {
	text := strings.Replace(r.text(name), ",", ".", 1)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != n || n > 1e9 || n < -1e9 {
		r.fault(name, "form.number")
		return 0, false
	}
	return n, true
}

// read sets the values on w. Settings that are not in the form stay.
func (r *reading) read(w *peal.Webhook) {
	w.URL, w.Name, w.Description, w.Format = r.text("url"), r.text("name"), r.text("description"), r.text("format")
	w.Filter, w.Transform, w.UUID = r.text("filter"), r.text("transform"), r.text("uuid")
	w.Handshake = r.values.Get("handshake") != ""
	w.Events = nil
	for _, pattern := range append(strings.FieldsFunc(r.values.Get("patterns"), func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) }), r.values["event"]...) {
		if !slices.Contains(w.Events, pattern) {
			w.Events = append(w.Events, pattern)
		}
	}
	active := r.values.Get("active") != ""
	if active != (w.Status == peal.Active) {
		w.Status, w.StatusReason = map[bool]peal.WebhookStatus{true: peal.Active, false: peal.Disabled}[active], ""
	}
	r.headers(w)
	if w.ExtraPayload = nil; r.text("extra_payload") != "" {
		w.ExtraPayload = json.RawMessage(r.text("extra_payload"))
	}
	switch authorization := r.text("authorization"); {
	case r.values.Get("authorization_none") != "":
		w.Authorization = ""
	case authorization != "":
		w.Authorization = authorization
	}
	w.Timeout = peal.DefaultTimeout
	if seconds, ok := r.number("timeout"); ok {
		w.Timeout = time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
	}
	w.RateLimit = nil
	if rate, ok := r.number("rate"); ok {
		w.RateLimit = &peal.RateLimit{PerSecond: rate, Burst: 1}
		if burst, ok := r.number("burst"); ok {
			w.RateLimit.Burst = int(burst)
		}
	}
	r.policy(w)
}

func (r *reading) headers(w *peal.Webhook) {
	w.Headers = nil
	for line := range strings.Lines(r.values.Get("headers")) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			r.fault("headers", "form.header")
			continue
		}
		if w.Headers == nil {
			w.Headers = map[string]string{}
		}
		w.Headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
}

// policy reads the webhook's own retry policy; none without delays.
func (r *reading) policy(w *peal.Webhook) {
	text := r.text("delays")
	if text == "" {
		w.RetryPolicy = nil
		return
	}
	policy := peal.DefaultRetryPolicy()
	if w.RetryPolicy != nil {
		policy = *w.RetryPolicy
	}
	policy.Delays = nil
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) }) {
		d, err := time.ParseDuration(word)
		if err != nil {
			r.fault("retry_policy", "form.delay")
			return
		}
		policy.Delays = append(policy.Delays, d)
	}
	if jitter, ok := r.number("jitter"); ok {
		policy.Jitter = jitter
	}
	if after, ok := r.number("disable_after"); ok {
		policy.DisableAfterExhausted = int(after)
	}
	w.RetryPolicy = &policy
}

// formField returns the field of an error in the form: events for events[2].
func (t *texts) formField(err error) (field, message string, ok bool) {
	var known *peal.Error
	if !errors.As(err, &known) || known.Field == "" || known.Code != peal.Invalid && known.Code != peal.TooLarge {
		return "", "", false
	}
	field, _, _ = strings.Cut(known.Field, "[")
	field, _, _ = strings.Cut(field, ".")
	switch field {
	case "secrets":
		field = "secret"
	case "timeout_ms":
		field = "timeout"
	case "status":
		field = "active"
	case "client_certificate", "pins", "oauth2": // which the form has no fields for
		return "url", known.Field + ": " + t.fault(known), true
	}
	message = t.fault(known)
	if rest := strings.TrimPrefix(known.Field, field); rest != "" && field != "timeout" && field != "secret" {
		message = strings.TrimLeft(rest, ".") + " " + message
	}
	return field, message, true
}
