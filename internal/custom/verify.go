package custom

import (
	"crypto/ed25519"
	"crypto/hmac"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// source is where a receiver finds a value that was signed: a group of what a
// header's pattern finds.
type source struct {
	header  string
	pattern *regexp.Regexp
	group   int
}

// findSources finds for each value that is signed a header that carries it, one that
// carries nothing else if there is one.
func findSources(s *signer, headers []header) map[string]source {
	sources := make(map[string]source)
	for _, p := range s.content {
		if p.name == "" || p.name == bodyName {
			continue
		}
		if group := nameIn(s.prefix, p.name); group > 0 {
			sources[p.name] = source{s.header, s.written, group}
		}
		for _, h := range headers {
			if group := nameIn(h.value, p.name); group > 0 && (sources[p.name].header == "" || len(h.value) == 1) {
				sources[p.name] = source{h.name, h.value.pattern(""), group}
			}
		}
	}
	return sources
}

// nameIn is template.group for a name that may go by two.
func nameIn(t template, name string) int {
	for _, same := range [][2]string{{"id", "event.id"}, {"event.id", "id"}} {
		if group := t.group(same[1]); name == same[0] && group > 0 {
			return group
		}
	}
	return t.group(name)
}

// verifiable reports whether a receiver finds in the headers all that is signed.
func (s *signer) verifiable() bool {
	for _, p := range s.content {
		if _, found := s.sources[p.name]; p.name != "" && p.name != bodyName && !found {
			return false
		}
	}
	return true
}

// verify checks a request as [wire.Format] describes. For ed25519 the secrets may be
// the private keys of 64 bytes or their public halves.
func (s *signer) verify(header http.Header, body []byte, secrets []string, options wire.VerifyOptions) error {
	if len(secrets) == 0 {
		return fault(wire.ReasonSecret, "", "no secret was given to verify with")
	}
	value, ok := find(header, s.header)
	if !ok {
		return missing(s.header)
	}
	groups := s.written.FindStringSubmatch(value)
	if groups == nil {
		return fault(wire.ReasonMalformed, s.header, "the signature in "+s.header+" is not written as the format has it")
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
			return fault(wire.ReasonMalformed, from.header, "the header "+from.header+" is not written as the format has it")
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
		fits, err := s.fits(secret, content, signature)
		if err != nil {
			return fault(wire.ReasonSecret, "", "secret "+strconv.Itoa(i+1)+" cannot be used: it "+err.(*peal.Error).Message)
		}
		if fits {
			return nil
		}
	}
	return fault(wire.ReasonWrong, s.header, "the signature in "+s.header+" does not fit: another secret signed, or the body is not byte for byte what was sent")
}

func (s *signer) fits(secret string, content, signature []byte) (bool, error) {
	if s.hash == nil {
		public, err := s.key.public(secret)
		return err == nil && ed25519.Verify(public, content, signature), err
	}
	key, err := s.key.read(secret)
	return err == nil && hmac.Equal(s.mac(key, content), signature), err
}

// public gives the verifying key. A text of 32 bytes is always taken for the public
// half: taken for a seed, it would let everybody sign who knows the public key.
func (k keyCoding) public(secret string) (ed25519.PublicKey, error) {
	if key, err := k.encoding.decode(secret); err == nil && len(key) == ed25519.PublicKeySize {
		return key, nil
	}
	key, err := k.read(secret)
	if err != nil {
		return nil, err
	}
	return key[ed25519.SeedSize:], nil
}

// find gives a header's value in any spelling of its name.
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
