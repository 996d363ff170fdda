package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
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
			return UnusableSecret(i, err.(*peal.Error))
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

// readStandard returns the content signed before the body, and the signatures.
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

// splitStandard splits the header webhook-signature. An ed25519 signature costs a pass over the
// body for each key, so their number is limited to that of a sender's secrets.
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

// beforeStandard returns candidates for the content signed before the body.
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

// The prefixes of keys, by the Standard Webhooks specification.
const (
	hmacPrefix    = "whsec_" // base64 of 24 to 64 bytes
	privatePrefix = "whsk_"  // base64 of an ed25519 private key: its seed, or seed and public key
	publicPrefix  = "whpk_"  // base64 of an ed25519 public key
)

// standardKey is an HMAC key, an ed25519 private key or an ed25519 public key.
type standardKey struct {
	mac     []byte
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

func parseStandardKey(secret string) (standardKey, error) {
	prefix, text := "", secret
	if i := strings.IndexByte(secret, '_'); i >= 0 {
		prefix, text = secret[:i+1], secret[i+1:]
	}
	bad := func(m message.Message) (standardKey, error) {
		return standardKey{}, peal.Fault("secret", m)
	}
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return bad(message.SecretLineBreak)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	switch prefix {
	case hmacPrefix:
		if err != nil || len(key) < 24 || len(key) > 64 {
			return bad(message.SecretHMAC)
		}
		return standardKey{mac: key}, nil
	case privatePrefix:
		if err != nil || len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
			return bad(message.SecretEd25519)
		}
		private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
		if len(key) == ed25519.PrivateKeySize && !private.Equal(ed25519.PrivateKey(key)) {
			return bad(message.SecretHalves)
		}
		return standardKey{private: private, public: private.Public().(ed25519.PublicKey)}, nil
	case publicPrefix:
		if err != nil || len(key) != ed25519.PublicKeySize {
			return bad(message.SecretVerifying)
		}
		return standardKey{public: key}, nil
	}
	return bad(message.SecretPrefix)
}

// parseSigningKey is like parseStandardKey, but rejects public keys.
func parseSigningKey(secret string) (standardKey, error) {
	key, err := parseStandardKey(secret)
	if err == nil && key.mac == nil && key.private == nil {
		return standardKey{}, peal.Fault("secret", message.SecretPublic)
	}
	return key, err
}

func checkStandardSecret(secret string) error {
	_, err := parseSigningKey(secret)
	return err
}

func makeStandardSecret() string {
	return hmacPrefix + base64.StdEncoding.EncodeToString(randomBytes())
}

// PublicKey returns the key whpk_… with which receivers verify signatures of an ed25519 secret
// whsk_…. The error is a *[peal.Error] with code Invalid and the field "secret".
func PublicKey(secret string) (string, error) {
	key, err := parseStandardKey(secret)
	if err != nil {
		return "", err
	}
	if key.public == nil {
		return "", peal.Fault("secret", message.NoPublicKey)
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key.public), nil
}

// NewAsymmetricSecret creates an ed25519 secret whsk_…. Receivers verify with its [PublicKey] and
// cannot sign.
func NewAsymmetricSecret() string {
	return privatePrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(randomBytes()))
}

// appendSignature appends "v1,…" or "v1a,…".
func (k *standardKey) appendSignature(dst, before, body []byte) []byte {
	if k.private != nil {
		signed := append(append(make([]byte, 0, len(before)+len(body)), before...), body...)
		return appendBase64(append(dst, "v1a,"...), ed25519.Sign(k.private, signed))
	}
	return appendBase64(append(dst, "v1,"...), hmacSHA256(k.mac, before, body))
}

// verify reports whether one of the signatures was made with the key. It computes the HMAC at most
// once.
func (k *standardKey) verify(signatures []standardSignature, before, body []byte) bool {
	if k.mac != nil {
		right := ""
		for _, s := range signatures {
			if s.version != "v1" || len(s.text) != base64.StdEncoding.EncodedLen(sha256.Size) {
				continue
			}
			if right == "" {
				var buf [48]byte
				right = string(appendBase64(buf[:0], hmacSHA256(k.mac, before, body)))
			}
			if equal(s.text, right) {
				return true
			}
		}
		return false
	}
	var signed []byte
	for _, s := range signatures {
		if s.version != "v1a" {
			continue
		}
		signature, err := base64.StdEncoding.Strict().DecodeString(s.text)
		if err != nil || len(signature) != ed25519.SignatureSize {
			continue
		}
		if signed == nil {
			signed = append(before[:len(before):len(before)], body...)
		}
		if ed25519.Verify(k.public, signed, signature) {
			return true
		}
	}
	return false
}

// standardKeys returns candidates for the key.
func standardKeys(secret string) []variant {
	key, err := parseStandardKey(secret)
	if err != nil || key.mac == nil {
		return nil
	}
	return []variant{
		{text: key.mac},
		keyVariant(secret, "the secret's text was the key: take whsec_ off and decode the rest from base64"),
		keyVariant(strings.TrimPrefix(secret, hmacPrefix), "the secret was not decoded: the text after whsec_ is the base64 form of the key"),
	}
}
