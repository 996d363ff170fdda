package wire

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	enchex "encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

// Kind is the kind of a mistake between signing and verifying, from a closed list.
type Kind string

// The kinds of mistakes.
const (
	MistakeHeader    Kind = "header"      // a header is missing or cannot be read
	MistakeFormat    Kind = "format"      // the request is of another format
	MistakeTime      Kind = "time"        // the signature is valid but too old, or from the future
	MistakeBody      Kind = "body"        // the body was changed: parsed and serialized again, or trimmed
	MistakePrefix    Kind = "prefix"      // the signature lacks its prefix, or has a wrong one
	MistakeEncoding  Kind = "encoding"    // the signature has another encoding, such as hexadecimal instead of base64
	MistakeKey       Kind = "key"         // the key was derived from the secret in a wrong way
	MistakeContent   Kind = "content"     // the signed content is not the format's combination of id, time and body
	MistakeAlgorithm Kind = "algorithm"   // another hash than SHA-256
	MistakeSecret    Kind = "secret"      // a secret that cannot be used
	MistakeUnknown   Kind = "unexplained" // another secret signed, or the body was changed in another way
)

// Mistake is a mistake found by [Diagnose].
type Mistake struct {
	Kind Kind
	// Message explains the mistake and its remedy, without a final period.
	Message string
}

// Diagnose finds out why [Verify] rejects a request: it tries common mistakes, alone and combined,
// until the signature matches. An empty result means that the request verifies now. Results never
// contain a valid signature and may be logged. Diagnose takes several hundred times as long as
// Verify.
//
// The error is a *[peal.Error] with code Invalid if the format does not exist or has no signature.
func Diagnose(format string, header http.Header, body []byte, secrets ...string) ([]Mistake, error) {
	f, err := lookup(format)
	if err != nil {
		return nil, err
	}
	if f.scheme == nil {
		return nil, peal.Invalidf("format", "is %s, which has no signature to verify", format)
	}
	var late []Mistake
	verdict := new(VerifyError)
	if !errors.As(f.Verify(header, body, secrets, DefaultVerifyOptions()), &verdict) {
		return nil, nil
	}
	if verdict.Reason == ReasonStale || verdict.Reason == ReasonFuture {
		late = []Mistake{{MistakeTime, verdict.Message}}
		if f.Verify(header, body, secrets, VerifyOptions{}) == nil {
			late[0].Message = "the signature is right, but " + verdict.Message
			return late, nil
		}
	}
	if verdict.Reason == ReasonSecret {
		return []Mistake{{MistakeSecret, verdict.Message}}, nil
	}
	value, ok := getHeader(header, f.SignatureHeader)
	if !ok {
		return []Mistake{missingSignature(f, header)}, nil
	}
	if found := f.scheme.search(header, value, body, secrets); found != nil {
		return append(found, late...), nil
	}
	if verdict.Reason == ReasonMissing || verdict.Reason == ReasonMalformed {
		return []Mistake{{MistakeHeader, verdict.Message}}, nil
	}
	return append([]Mistake{{MistakeUnknown, "none of the known mistakes explains it: most likely another secret signed (compare the first and last characters of both sides' secrets), or the body was changed on its way"}}, late...), nil
}

// missingSignature returns the mistake for a request without the signature, such as one of another
// format.
func missingSignature(f *Format, header http.Header) Mistake {
	for _, other := range Formats() {
		if _, ok := getHeader(header, other.SignatureHeader); ok && other.SignatureHeader != "" {
			return Mistake{MistakeFormat, "the header " + f.SignatureHeader + " is missing, but " + other.SignatureHeader + " is there: the request is of the format " + other.Name}
		}
	}
	return Mistake{MistakeHeader, "the header " + f.SignatureHeader + " is missing: the sender has no secret, or a proxy took the header away"}
}

// scheme describes how a format signs with HMAC-SHA256, and the common mistakes.
type scheme struct {
	prefix    string // precedes each signature
	separator string // separates signatures; "" for a single one
	base64    bool   // signatures are in base64, otherwise in lower-case hexadecimal
	// before returns candidates for the content signed before the body, the correct one first; nil
	// for none.
	before func(header http.Header) []variant
	// keys returns candidates for the key of a secret, the correct one first; nil for its text.
	keys func(secret string) []variant
}

// variant is a candidate and the mistake that leads to it; "" for the correct one.
type variant struct {
	text    []byte
	mistake Mistake
}

func contentVariant(text, message string) variant {
	return variant{[]byte(text), Mistake{MistakeContent, message}}
}

func keyVariant(text, message string) variant {
	return variant{[]byte(text), Mistake{MistakeKey, message}}
}

// search tries all combinations and returns the fewest mistakes that explain the signature, or nil.
func (s *scheme) search(header http.Header, value string, body []byte, secrets []string) []Mistake {
	befores := []variant{{}}
	if s.before != nil {
		befores = s.before(header)
	}
	claims := s.read(value)
	bodies := bodyVariants(body)
	var best []Mistake
	try := func(mistakes ...Mistake) {
		found := make([]Mistake, 0, len(mistakes))
		for _, m := range mistakes {
			if m.Kind != "" {
				found = append(found, m)
			}
		}
		if best == nil || len(found) < len(best) {
			best = found
		}
	}
	var asymmetric []standardSignature
	if s.base64 {
		for _, text := range s.texts(value) {
			asymmetric = append(asymmetric, standardSignature{"v1a", strings.TrimPrefix(text, "v1a,")})
		}
	}
	for _, secret := range secrets {
		keys := textKeys
		if s.keys != nil {
			keys = s.keys
		}
		public, _ := parseStandardKey(secret)
		for _, before := range befores {
			for _, b := range bodies {
				if public.public != nil && public.verify(asymmetric, before.text, b.text) {
					try(before.mistake, b.mistake)
				}
				for _, key := range keys(secret) {
					for _, hash := range hashes {
						mac := hash.sum(key.text, before.text, b.text)
						for _, c := range claims {
							if c.fits(mac) {
								try(append([]Mistake{before.mistake, b.mistake, key.mistake, hash.mistake}, c.mistakes...)...)
							}
						}
					}
				}
			}
		}
	}
	return best
}

// claim is an interpretation of a received signature: its bytes, and the mistakes in its form.
type claim struct {
	bytes    []byte
	mistakes []Mistake
}

func (c *claim) fits(mac []byte) bool { return hmac.Equal(c.bytes, mac) }

// texts splits a signature header into at most as many parts as verifying accepts.
func (s *scheme) texts(value string) []string {
	if s.separator == "" {
		return []string{strings.Trim(value, " \"'")}
	}
	var texts []string
	for text := range strings.SplitSeq(value, s.separator) {
		if len(texts) == MaxSignatures {
			break
		}
		texts = append(texts, strings.Trim(text, " \"'"))
	}
	return texts
}

// read returns all interpretations of each signature in a header.
func (s *scheme) read(value string) []claim {
	var claims []claim
	for _, text := range s.texts(value) {
		bare, prefix := s.cutPrefix(text)
		for _, c := range s.decodings(bare) {
			if prefix.Kind != "" {
				c.mistakes = append(c.mistakes, prefix)
			}
			claims = append(claims, c)
		}
	}
	return claims
}

func (s *scheme) cutPrefix(text string) (string, Mistake) {
	if bare, ok := strings.CutPrefix(text, s.prefix); ok && s.prefix != "" {
		return bare, Mistake{}
	}
	for _, prefix := range []string{"sha256=", "v1=", "v1,", "sha1=", "sha512=", "hmac-sha256="} {
		if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			if s.prefix == "" {
				return text[len(prefix):], Mistake{MistakePrefix, "the signature begins with " + text[:len(prefix)] + ", which this format does not have: take it off"}
			}
			return text[len(prefix):], Mistake{MistakePrefix, "the signature begins with " + text[:len(prefix)] + " instead of " + s.prefix}
		}
	}
	if s.prefix == "" {
		return text, Mistake{}
	}
	return text, Mistake{MistakePrefix, "the signature lacks its prefix " + s.prefix}
}

// decodings returns all interpretations of a signature without its prefix.
func (s *scheme) decodings(text string) []claim {
	var claims []claim
	add := func(b []byte, err error, message string) {
		if err != nil || len(b) < sha1.Size {
			return
		}
		c := claim{bytes: b}
		if message != "" {
			c.mistakes = []Mistake{{MistakeEncoding, message}}
		}
		claims = append(claims, c)
	}
	b, err := enchex.DecodeString(text)
	switch {
	case s.base64:
		add(b, err, "the signature is in hexadecimal: write it in base64")
	case text != strings.ToLower(text):
		add(b, err, "the signature is in upper-case hexadecimal: write it in lower case")
	default:
		add(b, err, "")
	}
	message := "the signature is in base64: write it in lower-case hexadecimal"
	if s.base64 {
		message = ""
	}
	b, err = base64.StdEncoding.DecodeString(text)
	add(b, err, message)
	if err != nil { // another alphabet, or no padding
		if s.base64 {
			message = "the signature is in another base64: use the standard alphabet (+ and /) with padding (=)"
		}
		text = strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(text)
		b, err = base64.RawStdEncoding.DecodeString(text)
		add(b, err, message)
	}
	if s.base64 { // base64 of the hexadecimal text
		if inner, err := enchex.DecodeString(string(b)); err == nil {
			add(inner, nil, "the signature is the base64 of the hexadecimal text: take the base64 of the HMAC's bytes")
		}
	}
	return claims
}

type hashChoice struct {
	new     func() hash.Hash
	mistake Mistake
}

var hashes = []hashChoice{
	{new: sha256.New},
	{sha1.New, Mistake{MistakeAlgorithm, "the signature was made with HMAC-SHA1: use HMAC-SHA256"}},
	{sha512.New, Mistake{MistakeAlgorithm, "the signature was made with HMAC-SHA512: use HMAC-SHA256"}},
}

func (h *hashChoice) sum(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(h.new, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// textKeys returns candidates for the key in formats that use the text of the secret.
func textKeys(secret string) []variant {
	keys := []variant{{text: []byte(secret)}}
	if trimmed := strings.TrimSpace(secret); trimmed != secret {
		keys = append(keys, keyVariant(trimmed, "the secret has white space around it that the other side does not have"))
	}
	keys = append(keys, keyVariant(secret+"\n", "the other side's secret ends with a line break: it was read from a file or an environment variable without trimming"))
	if key, err := enchex.DecodeString(secret); err == nil {
		keys = append(keys, keyVariant(string(key), "the secret was decoded from hexadecimal: the key is its text, as it is"))
	}
	if key, err := base64.StdEncoding.DecodeString(secret); err == nil {
		keys = append(keys, keyVariant(string(key), "the secret was decoded from base64: the key is its text, as it is"))
	}
	if key, err := base64.RawURLEncoding.DecodeString(secret); err == nil {
		keys = append(keys, keyVariant(string(key), "the secret was decoded from base64: the key is its text, as it is"))
	}
	return keys
}
