package custom

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// keyCoding is how the text of a secret becomes the key.
type keyCoding struct {
	name       string
	encoding   encoding // of raw: none
	asymmetric bool
}

// maxSecret is the longest secret, in bytes of text.
const maxSecret = 512

func newKeyCoding(name, algorithm string) (keyCoding, error) {
	k := keyCoding{name: name, asymmetric: algorithm == asymmetric}
	switch {
	case name == "" && k.asymmetric:
		k.name = "base64"
	case name == "":
		k.name = "raw"
	case name != "raw" && name != "base64" && name != "hex":
		return k, peal.Invalidf("signature.secret_encoding", "must be raw, base64 or hex")
	}
	if k.name == "raw" && k.asymmetric {
		return k, peal.Invalidf("signature.secret_encoding", "must be base64 or hex: an ed25519 key is no text")
	}
	k.encoding = encodings[k.name]
	return k, nil
}

// read gives the signing key of a secret. The error has the field "secret".
func (k keyCoding) read(secret string) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, peal.Invalidf("secret", "must have at most %d bytes", maxSecret)
	}
	if k.name == "raw" {
		return []byte(secret), checkText(secret)
	}
	key, err := k.encoding.decode(secret)
	if err != nil || len(key) == 0 || strings.ContainsAny(secret, "\r\n") { // package base64 skips line breaks
		return nil, peal.Invalidf("secret", "must be the %s of the key", k.words())
	}
	if !k.asymmetric {
		return key, nil
	}
	if len(key) != ed25519.PrivateKeySize || !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key) {
		return nil, peal.Invalidf("secret", "must be the %s of an ed25519 private key of 64 bytes: the seed and the public key", k.words())
	}
	return key, nil
}

// words describes the encoding.
func (k keyCoding) words() string {
	if k.name == "base64" {
		return "base64 (standard alphabet, padded)"
	}
	return "hexadecimal digits"
}

// checkText takes the text whose bytes are the key.
func checkText(secret string) error {
	if secret == "" || len(secret) > wire.MaxSecret || !utf8.ValidString(secret) {
		return peal.Invalidf("secret", "must have 1 to %d bytes of UTF-8", wire.MaxSecret)
	}
	for i := range len(secret) {
		if c := secret[i]; c < 0x20 || c == 0x7f {
			return peal.Invalidf("secret", "must not hold line breaks or control characters; a line break at the end often comes from copying")
		}
	}
	return nil
}

func (s *signer) acceptSecret(secret string) error {
	_, err := s.key.read(secret)
	return err
}

// makeSecret makes a key of 256 random bits, or a key pair of as many.
func (s *signer) makeSecret() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand aborts the program instead
	switch {
	case s.key.asymmetric:
		return s.key.encoding.encode(ed25519.NewKeyFromSeed(key))
	case s.key.name == "raw":
		return encodings["base64url"].encode(key)
	}
	return s.key.encoding.encode(key)
}
