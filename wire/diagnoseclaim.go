package wire

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	enchex "encoding/hex"
	"hash"
	"strings"
)

// claim is one reading of a signature that came: the bytes that it stands for, and
// what is wrong with the way it is written.
type claim struct {
	bytes    []byte
	mistakes []Mistake
}

func (c *claim) fits(mac []byte) bool { return hmac.Equal(c.bytes, mac) }

// texts takes a signature header apart, into no more parts than verifying takes.
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

// read returns every way to read each signature of a header.
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

// decodings gives every way to read a signature without its prefix.
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

// textKeys is what can be taken for the key by formats whose key is the secret's text.
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
