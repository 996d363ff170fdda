package wire

import (
	"net/http"
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// The X-Webhook-* convention: the signature covers the body alone.
var xWebhook = &Format{
	Name:            XWebhook,
	Title:           "X-Webhook",
	Secrets:         SecretAlways,
	SignatureHeader: "X-Webhook-Signature",
	Headers: []string{
		"Content-Type", "X-Webhook-Signature", "X-Webhook-ID", "X-Webhook-Timestamp", "X-Webhook-Delivery",
	},
	RetryPolicy: &peal.RetryPolicy{
		Delays:                []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute},
		Jitter:                0.1,
		DisableAfterExhausted: 1,
	},
	Encode: encodeXWebhook,
	Verify: verifyXWebhook,
	Decode: decodeXWebhook,
	scheme: &scheme{prefix: "sha256=", before: beforeXWebhook},
}

func encodeXWebhook(in *Input) (http.Header, []byte, error) {
	secret := currentSecret(in)
	if secret == "" {
		return nil, nil, missingSecret("x-webhook")
	}
	// The texts of the headers share one allocation.
	var space [256]byte
	texts := in.Webhook.ID.AppendText(space[:0])
	idEnd := len(texts)
	texts = strconv.AppendInt(texts, in.Time.Unix(), 10)
	timeEnd := len(texts)
	texts = in.DeliveryID.AppendText(texts)
	deliveryEnd := len(texts)

	e := in.Event
	body := make([]byte, 0, len(e.Data)+len(e.Type)+128)
	body = append(body, `{"event":`...)
	body = Plain.AppendString(body, e.Type)
	body = append(body, `,"timestamp":"`...)
	body = appendWholeSeconds(body, instantOf(in))
	body = append(body, `","webhook_id":"`...)
	body = append(body, texts[:idEnd]...)
	body = append(body, `","data":`...)
	body = Plain.Append(body, e.Data)
	body = append(body, '}')

	all := string(appendHexHMAC(texts, "sha256=", secret, body))
	return makeHeader(
		"Content-Type", "application/json",
		"X-Webhook-Signature", all[deliveryEnd:],
		"X-Webhook-ID", all[:idEnd],
		"X-Webhook-Timestamp", all[idEnd:timeEnd],
		"X-Webhook-Delivery", all[timeEnd:deliveryEnd],
	), body, nil
}

// appendWholeSeconds appends t in UTC, truncated to seconds. Times that an offset moves out of the
// years 0 to 9999, the range of RFC 3339, are limited to it.
func appendWholeSeconds(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if t.Year() < 0 {
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if t.Year() > 9999 {
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05Z")
}

// verifyXWebhook checks the time if present, although it is not signed, to catch mistakes such as
// replaying a stored request.
func verifyXWebhook(header http.Header, body []byte, secrets []string, options VerifyOptions) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	got, err := needHeader(header, "X-Webhook-Signature")
	if err != nil {
		return err
	}
	if timestamp, ok := getHeader(header, "X-Webhook-Timestamp"); ok {
		if err := options.CheckTime("X-Webhook-Timestamp", timestamp); err != nil {
			return err
		}
	}
	return verifyHex("X-Webhook-Signature", "sha256=", got, body, secrets)
}

func decodeXWebhook(header http.Header, body []byte) (peal.Event, error) {
	fields, err := decodeObject(body, "event", "timestamp", "data")
	if err != nil {
		return peal.Event{}, err
	}
	event := peal.Event{Data: fields.raw("data")}
	event.ID, _ = getHeader(header, "X-Webhook-Delivery")
	event.Type = fields.text("event")
	event.Time = fields.time("timestamp")
	return event, fields.check(&event)
}

// beforeXWebhook returns candidates for the content signed before the body.
func beforeXWebhook(header http.Header) []variant {
	timestamp, _ := getHeader(header, "X-Webhook-Timestamp")
	return []variant{
		{},
		contentVariant(timestamp+".", "the time and a dot were signed before the body: sign the body alone"),
		contentVariant(timestamp, "the time was signed before the body: sign the body alone"),
	}
}
