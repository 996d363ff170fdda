package wire

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
)

// Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks): the
// signature covers the id, the time of the attempt and the body.
var standard = &Format{
	Name:            Standard,
	Title:           "Standard Webhooks",
	Secrets:         SecretAlways,
	SignatureHeader: "webhook-signature",
	Headers:         []string{"Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature"},
	Encode:          encodeStandard,
	Verify:          verifyStandard,
	Decode:          decodeStandard,
	MakeSecret:      makeStandardSecret,
	AcceptSecret:    checkStandardSecret,
	scheme:          &scheme{prefix: "v1,", separator: " ", base64: true, before: beforeStandard, keys: standardKeys},
}

func encodeStandard(in *Input) (http.Header, []byte, error) {
	e := in.Event
	body := make([]byte, 0, len(e.Data)+len(e.Type)+64)
	body = append(body, `{"type":`...)
	body = Plain.AppendString(body, e.Type)
	body = append(body, `,"timestamp":"`...)
	body = append(body, eventTime(in)...)
	body = append(body, `","data":`...)
	body = append(body, bytes.TrimSpace(e.Data)...)
	body = append(body, '}')

	id := eventID(e)
	before := append(append(make([]byte, 0, 96), id...), '.')
	before = append(strconv.AppendInt(before, in.Time.Unix(), 10), '.')
	// The texts of the headers share one allocation: the time, then the signatures.
	var space [192]byte
	texts := strconv.AppendInt(space[:0], in.Time.Unix(), 10)
	timeEnd := len(texts)
	for i := range in.Webhook.Secrets {
		s := &in.Webhook.Secrets[i]
		if !s.ExpiresAt.IsZero() && !in.Time.Before(s.ExpiresAt) {
			continue
		}
		key, err := parseSigningKey(s.Value)
		if err != nil {
			return nil, nil, err
		}
		if len(texts) > timeEnd {
			texts = append(texts, ' ')
		}
		texts = key.appendSignature(texts, before, body)
	}
	if len(texts) == timeEnd {
		return nil, nil, missingSecret("standard")
	}
	all := string(texts)
	return makeHeader(
		"Content-Type", "application/json",
		"webhook-id", id,
		"webhook-timestamp", all[:timeEnd],
		"webhook-signature", all[timeEnd:],
	), body, nil
}

func verifyStandard(header http.Header, body []byte, secrets []string, options VerifyOptions) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	keys := make([]standardKey, len(secrets))
	for i, secret := range secrets {
		var err error
		if keys[i], err = parseStandardKey(secret); err != nil {
			return unusable(i, err.(*peal.Error).Message)
		}
	}
	before, signatures, err := readStandard(header, options)
	if err != nil {
		return err
	}
	for i := range keys {
		if keys[i].verify(signatures, before, body) {
			return nil
		}
	}
	return wrong("webhook-signature")
}

// readStandard returns what is signed before the body, and the signatures.
func readStandard(header http.Header, options VerifyOptions) (before []byte, signatures []standardSignature, err error) {
	id, bad := needHeader(header, "webhook-id")
	if bad != nil {
		return nil, nil, bad
	}
	timestamp, bad := needHeader(header, "webhook-timestamp")
	if bad != nil {
		return nil, nil, bad
	}
	list, bad := needHeader(header, "webhook-signature")
	if bad != nil {
		return nil, nil, bad
	}
	if bad := options.CheckTime("webhook-timestamp", timestamp); bad != nil {
		return nil, nil, bad
	}
	if !strings.Contains(list, "v1,") && !strings.Contains(list, "v1a,") {
		return nil, nil, malformed("webhook-signature", "must be v1, or v1a, and a signature in base64, several of them separated by spaces")
	}
	if signatures, bad = splitStandard(list); bad != nil {
		return nil, nil, bad
	}
	return []byte(id + "." + timestamp + "."), signatures, nil
}

// standardSignature is one entry of the header webhook-signature.
type standardSignature struct{ version, text string }

// splitStandard takes the header webhook-signature apart. An ed25519 signature costs a pass
// over the body for each key, so no more of them are taken than a sender has secrets.
func splitStandard(list string) ([]standardSignature, error) {
	signatures := make([]standardSignature, 0, 1)
	asymmetric := 0
	for entry := range strings.SplitSeq(list, " ") {
		if entry == "" {
			continue
		}
		version, text, _ := strings.Cut(entry, ",")
		if version == "v1a" {
			asymmetric++
		}
		if len(signatures) == MaxSignatures || asymmetric > peal.MaxSecrets {
			return nil, malformed("webhook-signature", "must hold at most "+strconv.Itoa(MaxSignatures)+" signatures, and at most "+strconv.Itoa(peal.MaxSecrets)+" of the version v1a")
		}
		signatures = append(signatures, standardSignature{version, text})
	}
	return signatures, nil
}

func decodeStandard(header http.Header, body []byte) (peal.Event, error) {
	fields, err := decodeObject(body, "type", "timestamp", "data")
	if err != nil {
		return peal.Event{}, err
	}
	event := peal.Event{Data: fields.raw("data")}
	event.ID, _ = getHeader(header, "webhook-id")
	event.Type = fields.text("type")
	event.Time = fields.time("timestamp")
	return event, fields.check(&event)
}

// beforeStandard is what a sender may have signed before the body.
func beforeStandard(header http.Header) []variant {
	const remedy = ": sign webhook-id, a dot, webhook-timestamp, a dot and the body"
	id, _ := getHeader(header, "webhook-id")
	timestamp, _ := getHeader(header, "webhook-timestamp")
	return []variant{
		{text: []byte(id + "." + timestamp + ".")},
		contentVariant("", "the body alone was signed, without the id and the time"+remedy),
		contentVariant(timestamp+".", "the time and the body were signed, without the id"+remedy),
		contentVariant(id+".", "the id and the body were signed, without the time"+remedy),
		contentVariant(timestamp+"."+id+".", "the time was signed before the id"+remedy),
		contentVariant(id+timestamp, "the dots were left out of what is signed"+remedy),
	}
}
