package custom

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"regexp"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// Signature says how a format signs its requests.
type Signature struct {
	// Header carries the signature.
	Header string
	// Algorithm is sha256, sha512 or sha1 (HMAC, RFC 2104), or ed25519 (RFC 8032);
	// "" for sha256.
	Algorithm string
	// Encoding is hex (lower case), base64 (padded) or base64url (unpadded); "" for hex.
	Encoding string
	// Prefix stands before the signature, such as sha256=. It may hold the names of [New]
	// but no variables.
	Prefix string
	// Content is what is signed: a text with {{body}} and the names of [New], where id
	// stands for event.id; "" for {{body}}.
	Content string
	// SecretEncoding is how a secret's text becomes the key: raw (its bytes), base64 or
	// hex; "" for raw, and for base64 with ed25519.
	SecretEncoding string
}

// encoding writes and reads bytes as text; pattern is what it writes.
type encoding struct {
	encode  func([]byte) string
	decode  func(string) ([]byte, error)
	pattern string
}

var encodings = map[string]encoding{
	"hex":       {hex.EncodeToString, hex.DecodeString, `[0-9a-f]+`},
	"base64":    {base64.StdEncoding.EncodeToString, base64.StdEncoding.Strict().DecodeString, `[A-Za-z0-9+/]+=*`},
	"base64url": {base64.RawURLEncoding.EncodeToString, base64.RawURLEncoding.Strict().DecodeString, `[A-Za-z0-9_-]+`},
}

var hashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}

const asymmetric = "ed25519"

// signer signs the requests of a format.
type signer struct {
	header   string
	prefix   template
	content  template
	encoding encoding
	hash     func() hash.Hash // nil for ed25519
	key      keyCoding
	written  *regexp.Regexp    // the header's value; the last group is the signature
	sources  map[string]source // where a receiver finds what was signed, by name
}

func newSigner(s *Signature, headers []header) (*signer, error) {
	if s.Header == "" {
		return nil, peal.Invalidf("signature.header", "is missing: name the header that carries the signature")
	}
	if err := peal.ValidateHeaders(map[string]string{s.Header: "x"}); err != nil {
		return nil, peal.Invalidf("signature.header", "%s", err.(*peal.Error).Message)
	}
	for _, h := range headers {
		if strings.EqualFold(h.name, s.Header) {
			return nil, peal.Invalidf("signature.header", "is among the other headers too: let it stand here only")
		}
	}
	made := &signer{header: spelled(s.Header)}
	var known bool
	algorithm := or(s.Algorithm, "sha256")
	if made.hash, known = hashes[algorithm]; !known && algorithm != asymmetric {
		return nil, peal.Invalidf("signature.algorithm", "must be sha256, sha512, sha1 or ed25519")
	}
	if made.encoding, known = encodings[or(s.Encoding, "hex")]; !known {
		return nil, peal.Invalidf("signature.encoding", "must be hex, base64 or base64url")
	}
	var err error
	if made.key, err = newKeyCoding(s.SecretEncoding, algorithm); err != nil {
		return nil, err
	}
	if err := peal.ValidateHeaders(map[string]string{s.Header: s.Prefix + "x"}); err != nil {
		return nil, peal.Invalidf("signature.prefix", "%s", err.(*peal.Error).Message)
	}
	if made.prefix, err = parseTemplate("signature.prefix", s.Prefix, values, nil); err != nil {
		return nil, err
	}
	if made.content, err = parseTemplate("signature.content", or(s.Content, "{{"+bodyName+"}}"), signedValues, nil); err != nil {
		return nil, err
	}
	if !made.content.uses(bodyName) {
		return nil, peal.Invalidf("signature.content", "must hold {{body}}: a signature that does not cover the body proves nothing about it")
	}
	made.written = made.prefix.pattern("(" + made.encoding.pattern + ")")
	made.sources = findSources(made, headers)
	return made, nil
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// sign gives the header's value. The header has room for one signature: that of the
// newest secret.
func (s *signer) sign(in *wire.Input, body []byte) (string, error) {
	secrets := in.Webhook.ActiveSecrets(in.Time)
	if len(secrets) == 0 || secrets[0] == "" {
		return "", peal.Invalidf("secret", "is missing: the format always signs")
	}
	key, err := s.key.read(secrets[0])
	if err != nil {
		return "", err
	}
	value := func(name string) string { return values[name].of(in) }
	content := s.contentOf(value, body)
	var signature []byte
	if s.hash == nil {
		signature = ed25519.Sign(ed25519.PrivateKey(key), content)
	} else {
		signature = s.mac(key, content)
	}
	return s.prefix.fill(value) + s.encoding.encode(signature), nil
}

func (s *signer) contentOf(value func(name string) string, body []byte) []byte {
	content := make([]byte, 0, len(body)+256)
	for _, p := range s.content {
		switch p.name {
		case "":
			content = append(content, p.text...)
		case bodyName:
			content = append(content, body...)
		default:
			content = append(content, value(p.name)...)
		}
	}
	return content
}

func (s *signer) mac(key, content []byte) []byte {
	mac := hmac.New(s.hash, key)
	mac.Write(content)
	return mac.Sum(nil)
}
