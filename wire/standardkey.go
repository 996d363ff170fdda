package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/pealhq/peal"
)

// The prefixes of keys, by the Standard Webhooks specification.
const (
	hmacPrefix    = "whsec_" // base64 of 24 to 64 bytes
	privatePrefix = "whsk_"  // base64 of an ed25519 private key: its seed, or seed and public key
	publicPrefix  = "whpk_"  // base64 of an ed25519 public key
)

// standardKey is one of three: an HMAC key, an ed25519 private key or a public one.
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
	bad := func(message string) (standardKey, error) {
		return standardKey{}, peal.Invalidf("secret", "%s", message)
	}
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return bad("must not hold line breaks")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	switch prefix {
	case hmacPrefix:
		if err != nil || len(key) < 24 || len(key) > 64 {
			return bad("must be whsec_ and the base64 (standard alphabet, padded) of 24 to 64 bytes")
		}
		return standardKey{mac: key}, nil
	case privatePrefix:
		if err != nil || len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
			return bad("must be whsk_ and the base64 (standard alphabet, padded) of an ed25519 key of 32 or 64 bytes")
		}
		private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
		if len(key) == ed25519.PrivateKeySize && !private.Equal(ed25519.PrivateKey(key)) {
			return bad("is an ed25519 key whose second half is not its public key")
		}
		return standardKey{private: private, public: private.Public().(ed25519.PublicKey)}, nil
	case publicPrefix:
		if err != nil || len(key) != ed25519.PublicKeySize {
			return bad("must be whpk_ and the base64 (standard alphabet, padded) of an ed25519 public key of 32 bytes")
		}
		return standardKey{public: key}, nil
	}
	return bad("must begin with whsec_ (HMAC) or whsk_ (ed25519)")
}

// parseSigningKey is parseStandardKey without the public keys.
func parseSigningKey(secret string) (standardKey, error) {
	key, err := parseStandardKey(secret)
	if err == nil && key.mac == nil && key.private == nil {
		return standardKey{}, peal.Invalidf("secret", "is a public key, which cannot sign: give the private one, whsk_…")
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

// PublicKey gives the whpk_… key that receivers verify with, of an ed25519 secret
// whsk_…. Its error is a *[peal.Error] of code Invalid with the field "secret".
func PublicKey(secret string) (string, error) {
	key, err := parseStandardKey(secret)
	if err != nil {
		return "", err
	}
	if key.public == nil {
		return "", peal.Invalidf("secret", "has no public key: only whsk_ secrets do")
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key.public), nil
}

// NewAsymmetricSecret makes an ed25519 secret whsk_…: receivers verify with its
// [PublicKey] and cannot sign themselves.
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

// verify reports whether one of the signatures was made with the key. It computes the HMAC
// once, and only when a signature can be one.
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

// standardKeys is what a sender may have taken for the key.
func standardKeys(secret string) []variant {
	key, err := parseStandardKey(secret)
	if err != nil || key.mac == nil {
		return nil
	}
	return []variant{
		{text: key.mac},
		keyVariant(secret, "the secret's text was the key: take whsec_ off and decode the rest from base64"),
		keyVariant(strings.TrimPrefix(secret, hmacPrefix), "the secret was not decoded: what follows whsec_ is base64, and the key is what it decodes to"),
	}
}
