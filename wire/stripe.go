package wire

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

const stripeSignature = "Stripe-Signature"

// Stripe's webhooks: an event object with the event's data as data.object; the signature covers the
// time of the attempt and the body.
var stripe = &Format{
	Name:            Stripe,
	Title:           "Stripe",
	Secrets:         SecretAlways,
	SignatureHeader: stripeSignature,
	Headers:         []string{"Content-Type", stripeSignature},
	Encode:          encodeStripe,
	Verify:          verifyStripe,
	Decode:          decodeStripe,
	MakeSecret:      func() string { return "whsec_" + rawBase64(randomBytes()) },
	scheme:          &scheme{prefix: "v1=", separator: ",", before: beforeStripe, keys: stripeKeys},
}

func encodeStripe(in *Input) (http.Header, []byte, error) {
	e := in.Event
	body := make([]byte, 0, len(e.Data)+len(e.ID)+len(e.Type)+128)
	body = append(body, `{"id":`...)
	body = Plain.AppendString(body, eventID(e))
	body = append(body, `,"object":"event","created":`...)
	body = strconv.AppendInt(body, instantOf(in).Unix(), 10)
	body = append(body, `,"data":`...)
	data := bytes.TrimSpace(e.Data)
	if isStripeData(data) {
		body = append(body, data...)
	} else {
		body = append(body, `{"object":`...)
		body = append(body, data...)
		body = append(body, '}')
	}
	body = append(body, `,"type":`...)
	body = Plain.AppendString(body, e.Type)
	body = append(body, '}')

	timestamp := unixText(in.Time)
	header := append(append(make([]byte, 0, 160), "t="...), timestamp...)
	signed := false
	for i := range in.Webhook.Secrets {
		s := &in.Webhook.Secrets[i]
		if s.Value == "" || !s.ExpiresAt.IsZero() && !in.Time.Before(s.ExpiresAt) {
			continue
		}
		header = append(append(header, ",v1="...), stripeHMAC(s.Value, timestamp, body)...)
		signed = true
	}
	if !signed {
		return nil, nil, missingSecret("stripe")
	}
	return makeHeader("Content-Type", "application/json", stripeSignature, string(header)), body, nil
}

// isStripeData reports whether data has Stripe's form for a change,
// {"object":…,"previous_attributes":…}, and is sent unchanged.
func isStripeData(data []byte) bool {
	object, previous := false, false
	for name := range members(data) {
		object = object || string(name) == `"object"`
		previous = previous || string(name) == `"previous_attributes"`
	}
	return object && previous
}

// stripeHMAC uses the whole secret as the key, including whsec_.
func stripeHMAC(secret, timestamp string, body []byte) string {
	return hexText(hmacSHA256([]byte(secret), []byte(timestamp), []byte("."), body))
}

func verifyStripe(header http.Header, body []byte, secrets []string, options VerifyOptions) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	timestamp, signatures, err := readStripe(header)
	if err != nil {
		return err
	}
	if err := options.CheckTime(stripeSignature, timestamp); err != nil {
		return err
	}
	for _, secret := range secrets {
		right := stripeHMAC(secret, timestamp, body)
		for _, signature := range signatures {
			if equal(signature, right) {
				return nil
			}
		}
	}
	return wrong(stripeSignature)
}

// readStripe parses the header: t=…,v1=…, further v1=…, and ignored schemes.
func readStripe(header http.Header) (timestamp string, signatures []string, err error) {
	value, err := needHeader(header, stripeSignature)
	if err != nil {
		return "", nil, err
	}
	for part := range strings.SplitSeq(value, ",") {
		switch scheme, text, _ := strings.Cut(strings.TrimSpace(part), "="); scheme {
		case "t":
			timestamp = text
		case "v1":
			if len(signatures) == MaxSignatures {
				return "", nil, malformed(stripeSignature, "must hold at most "+strconv.Itoa(MaxSignatures)+" signatures v1=")
			}
			signatures = append(signatures, text)
		}
	}
	if timestamp == "" || len(signatures) == 0 {
		return "", nil, malformed(stripeSignature, "must be t=<unix seconds>,v1=<64 hexadecimal digits>")
	}
	return timestamp, signatures, nil
}

func decodeStripe(_ http.Header, body []byte) (peal.Event, error) {
	fields, err := decodeObject(body, "id", "type", "created", "data")
	if err != nil {
		return peal.Event{}, err
	}
	event := peal.Event{ID: fields.text("id"), Type: fields.text("type"), Data: fields.raw("data")}
	if created := fields.values["created"]; created != nil {
		seconds, err := strconv.ParseInt(string(created), 10, 64)
		if err != nil || seconds < -1<<35 || seconds > 1<<37 {
			fields.fail("created", "must be unix seconds")
		} else {
			event.Time = peal.TimestampOf(time.Unix(seconds, 0).UTC())
		}
	}
	if count, object := 0, []byte(nil); isObject(event.Data) {
		for name, value := range members(event.Data) {
			if count++; string(name) == `"object"` {
				object = value
			}
		}
		if count == 1 && object != nil {
			event.Data = object
		}
	}
	return event, fields.check(&event)
}

// beforeStripe returns candidates for the content signed before the body.
func beforeStripe(header http.Header) []variant {
	timestamp, _, _ := readStripe(header)
	return []variant{
		{text: []byte(timestamp + ".")},
		contentVariant("", "the body alone was signed, without the time: sign the time in t=, a dot and the body"),
		contentVariant(timestamp, "the dot between time and body was left out of what is signed"),
	}
}

// stripeKeys returns candidates for the key.
func stripeKeys(secret string) []variant {
	keys := textKeys(secret)
	if rest, ok := strings.CutPrefix(secret, "whsec_"); ok {
		keys = append(keys, keyVariant(rest, "whsec_ was taken off the secret: the whole text is the key"))
		if key, err := base64.StdEncoding.DecodeString(rest); err == nil {
			keys = append(keys, keyVariant(string(key), "the secret was decoded from base64: the whole text is the key, as it is"))
		}
	}
	return keys
}
