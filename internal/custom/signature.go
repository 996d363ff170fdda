package custom

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// Signature describes how a format signs its requests.
type Signature struct {
	// Header is the name of the header with the signature.
	Header string
	// Algorithm is sha256, sha512 or sha1 (HMAC, RFC 2104), or ed25519 (RFC 8032);
	// "" for sha256.
	Algorithm string
	// Encoding is hex (lower case), base64 (padded) or base64url (unpadded); "" for hex.
	Encoding string
	// Prefix precedes the signature, such as sha256=. It may contain the names listed in [New]
	// except variables.
	Prefix string
	// Content is the signed text, with {{body}} and the names listed in [New], where id means
	// event.id; "" for {{body}}.
	Content string
	// SecretEncoding is the encoding of the key in the text of a secret: raw (the bytes of the
	// text), base64 or hex; "" for raw, or base64 with ed25519.
	SecretEncoding string
}

// encoding encodes bytes as text; pattern is a regular expression for the result.
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
	header        string
	prefix        template
	content       template
	encoding      encoding
	hash          func() hash.Hash // nil for ed25519
	key           keyCoding
	headerPattern *regexp.Regexp    // matches the header's value; the last group is the signature
	sources       map[string]source // where a receiver finds the signed values, by name
}

func newSigner(s *Signature, headers []header) (*signer, error) {
	if s.Header == "" {
		return nil, peal.Invalidf("signature.header", "is missing; name the header for the signature")
	}
	if err := peal.ValidateHeaders(map[string]string{s.Header: "x"}); err != nil {
		return nil, peal.Invalidf("signature.header", "%s", err.(*peal.Error).Message)
	}
	for _, h := range headers {
		if strings.EqualFold(h.name, s.Header) {
			return nil, peal.Invalidf("signature.header", "is also one of the other headers; set it only here")
		}
	}
	made := &signer{header: canonicalName(s.Header)}
	var known bool
	algorithm := orDefault(s.Algorithm, "sha256")
	if made.hash, known = hashes[algorithm]; !known && algorithm != asymmetric {
		return nil, peal.Invalidf("signature.algorithm", "must be sha256, sha512, sha1 or ed25519")
	}
	if made.encoding, known = encodings[orDefault(s.Encoding, "hex")]; !known {
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
	if made.content, err = parseTemplate("signature.content", orDefault(s.Content, "{{"+bodyName+"}}"), signedValues,
		nil); err != nil {
		return nil, err
	}
	if !made.content.uses(bodyName) {
		return nil, peal.Invalidf("signature.content", "must contain {{body}}; a signature that does not cover the body proves nothing about it")
	}
	made.headerPattern = made.prefix.pattern("(" + made.encoding.pattern + ")")
	made.sources = findSources(made, headers)
	return made, nil
}

// sign returns the value of the header. It holds a single signature, made with the newest secret.
func (s *signer) sign(in *wire.Input, body []byte) (string, error) {
	secrets := in.Webhook.ActiveSecrets(in.Time)
	if len(secrets) == 0 || secrets[0] == "" {
		return "", peal.Fault("secret", message.SecretNeeded)
	}
	key, err := s.key.parse(secrets[0])
	if err != nil {
		return "", err
	}
	value := func(name string) string { return values[name].get(in) }
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

// keyCoding converts the text of a secret to a key.
type keyCoding struct {
	name       string
	encoding   encoding // zero for raw
	asymmetric bool
}

// maxSecret is the maximum length of the text of a secret, in bytes.
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
		return k, peal.Invalidf("signature.secret_encoding", "must be base64 or hex, because an ed25519 key is not text")
	}
	k.encoding = encodings[k.name]
	return k, nil
}

// parse returns the signing key in a secret. The error has the field "secret".
func (k keyCoding) parse(secret string) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, peal.Fault("secret", message.SecretTooLong, maxSecret)
	}
	if k.name == "raw" {
		return []byte(secret), checkText(secret)
	}
	key, err := k.encoding.decode(secret)
	if err != nil || len(key) == 0 || strings.ContainsAny(secret, "\r\n") { // package base64 skips line breaks
		return nil, peal.Fault("secret", message.SecretEncoding, k.words())
	}
	if !k.asymmetric {
		return key, nil
	}
	if len(key) != ed25519.PrivateKeySize || !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key) {
		return nil, peal.Fault("secret", message.SecretPrivateKey, k.words())
	}
	return key, nil
}

// words returns a description of the encoding.
func (k keyCoding) words() message.Text {
	if k.name == "base64" {
		return message.Base64.With()
	}
	return message.Hexadecimal.With()
}

// checkText checks a secret with the bytes of its text as the key.
func checkText(secret string) error {
	if secret == "" || len(secret) > wire.MaxSecret || !utf8.ValidString(secret) {
		return peal.Fault("secret", message.SecretText, wire.MaxSecret)
	}
	for i := range len(secret) {
		if c := secret[i]; c < 0x20 || c == 0x7f {
			return peal.Fault("secret", message.CopiedLineBreak)
		}
	}
	return nil
}

func (s *signer) acceptSecret(secret string) error {
	_, err := s.key.parse(secret)
	return err
}

// makeSecret creates a key, or the seed of a key pair, with 256 random bits.
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

// source is the location of a signed value in the headers: a group in the pattern of a header.
type source struct {
	header  string
	pattern *regexp.Regexp
	group   int
}

// findSources returns a header for each signed value, preferably one that contains nothing else.
func findSources(s *signer, headers []header) map[string]source {
	sources := make(map[string]source)
	for _, p := range s.content {
		if p.name == "" || p.name == bodyName {
			continue
		}
		if group := groupOf(s.prefix, p.name); group > 0 {
			sources[p.name] = source{s.header, s.headerPattern, group}
		}
		for _, h := range headers {
			if group := groupOf(h.value, p.name); group > 0 && (sources[p.name].header == "" || len(h.value) == 1) {
				sources[p.name] = source{h.name, h.value.pattern(""), group}
			}
		}
	}
	return sources
}

// groupOf is like [template.group] for a name that may be an alias.
func groupOf(t template, name string) int {
	for _, same := range [][2]string{{"id", "event.id"}, {"event.id", "id"}} {
		if group := t.group(same[1]); name == same[0] && group > 0 {
			return group
		}
	}
	return t.group(name)
}

// verifiable reports whether the headers contain all signed values.
func (s *signer) verifiable() bool {
	for _, p := range s.content {
		if _, found := s.sources[p.name]; p.name != "" && p.name != bodyName && !found {
			return false
		}
	}
	return true
}

// verify implements [wire.Format.Verify]. For ed25519 the secrets may be private keys of 64 bytes
// or public keys.
func (s *signer) verify(header http.Header, body []byte, secrets []string, options wire.VerifyOptions) error {
	if len(secrets) == 0 {
		return fault(wire.ReasonSecret, "", "no secret was given to verify with")
	}
	value, ok := find(header, s.header)
	if !ok {
		return missing(s.header)
	}
	groups := s.headerPattern.FindStringSubmatch(value)
	if groups == nil {
		return fault(wire.ReasonMalformed, s.header, "the signature in "+s.header+" is not in the form of the format")
	}
	signature, err := s.encoding.decode(groups[len(groups)-1])
	if err != nil {
		return fault(wire.ReasonMalformed, s.header, "the signature in "+s.header+" cannot be decoded")
	}
	signed := make(map[string]string, len(s.sources))
	for name, from := range s.sources {
		value, ok := find(header, from.header)
		if !ok {
			return missing(from.header)
		}
		found := from.pattern.FindStringSubmatch(value)
		if found == nil {
			return fault(wire.ReasonMalformed, from.header, "the header "+from.header+" is not in the form of the format")
		}
		signed[name] = found[from.group]
		if name != timeName {
			continue
		}
		if err := options.CheckTime(from.header, signed[name]); err != nil {
			return err
		}
	}
	content := s.contentOf(func(name string) string { return signed[name] }, body)
	for i, secret := range secrets {
		fits, err := s.matches(secret, content, signature)
		if err != nil {
			return wire.UnusableSecret(i, err.(*peal.Error))
		}
		if fits {
			return nil
		}
	}
	return fault(wire.ReasonWrong, s.header, "the signature in "+s.header+" does not match: it was made with another secret, or the body is not byte for byte what was sent")
}

func (s *signer) matches(secret string, content, signature []byte) (bool, error) {
	if s.hash == nil {
		public, err := s.key.public(secret)
		return err == nil && ed25519.Verify(public, content, signature), err
	}
	key, err := s.key.parse(secret)
	return err == nil && hmac.Equal(s.mac(key, content), signature), err
}

// public returns the verification key. It always treats 32 bytes as a public key: as a seed they
// would let everybody who knows the public key sign.
func (k keyCoding) public(secret string) (ed25519.PublicKey, error) {
	if key, err := k.encoding.decode(secret); err == nil && len(key) == ed25519.PublicKeySize {
		return key, nil
	}
	key, err := k.parse(secret)
	if err != nil {
		return nil, err
	}
	return key[ed25519.SeedSize:], nil
}

// find returns the value of a header, ignoring case.
func find(header http.Header, name string) (string, bool) {
	for other, values := range header {
		if len(values) > 0 && values[0] != "" && strings.EqualFold(other, name) {
			return values[0], true
		}
	}
	return "", false
}

func missing(header string) error {
	return fault(wire.ReasonMissing, header, "the header "+header+" is missing; check that no proxy removes it")
}

func fault(reason wire.Reason, header, message string) error {
	return &wire.VerifyError{Reason: reason, Header: header, Message: message}
}
