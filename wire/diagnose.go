package wire

import (
	"errors"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

// Kind is what went wrong between signing and verifying, from a closed list.
type Kind string

// The kinds of mistakes.
const (
	MistakeHeader    Kind = "header"      // a header is missing or cannot be read
	MistakeFormat    Kind = "format"      // the request is of another format
	MistakeTime      Kind = "time"        // the signature is right and too old, or from the future
	MistakeBody      Kind = "body"        // the body's bytes were changed: parsed and written again, or trimmed
	MistakePrefix    Kind = "prefix"      // the signature lacks its prefix, or has one that it should not have
	MistakeEncoding  Kind = "encoding"    // the signature is in hexadecimal instead of base64, or the like
	MistakeKey       Kind = "key"         // the secret was not turned into the key as it should be
	MistakeContent   Kind = "content"     // something else was signed than id, time and body, as the format has it
	MistakeAlgorithm Kind = "algorithm"   // another hash than SHA-256
	MistakeSecret    Kind = "secret"      // a secret that cannot be used
	MistakeUnknown   Kind = "unexplained" // another secret signed, or the body was changed in another way
)

// Mistake is one thing that went wrong.
type Mistake struct {
	Kind Kind
	// Message says what happened and what to do, in a plain sentence without a full stop.
	Message string
}

// Diagnose says why [Verify] refuses a request: it tries the mistakes that people
// make, one or a few at once, until the signature fits. No mistakes means that the
// request verifies, at the present time. It never shows a right signature, so its
// result may be logged; it costs some hundred times what verifying costs.
//
// The error is a *[peal.Error] of code Invalid when there is no such format or it
// has no signature.
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

// missingSignature looks for what the request is, if not what it was taken for.
func missingSignature(f *Format, header http.Header) Mistake {
	for _, other := range Formats() {
		if _, ok := getHeader(header, other.SignatureHeader); ok && other.SignatureHeader != "" {
			return Mistake{MistakeFormat, "the header " + f.SignatureHeader + " is missing, but " + other.SignatureHeader + " is there: the request is of the format " + other.Name}
		}
	}
	return Mistake{MistakeHeader, "the header " + f.SignatureHeader + " is missing: the sender has no secret, or a proxy took the header away"}
}

// scheme is how a format signs with HMAC-SHA256, and what is easily done wrong.
type scheme struct {
	prefix    string // stands before each signature
	separator string // stands between several signatures; "" for only one
	base64    bool   // signatures are in base64, otherwise in lower-case hexadecimal
	// before gives what is signed before the body, the right text first; nil for nothing.
	before func(header http.Header) []variant
	// keys gives what a secret can be taken for, the right key first; nil for its text.
	keys func(secret string) []variant
}

// variant is some bytes and the mistake that leads to them; "" for the right ones.
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

// search tries all combinations and gives the mistakes of the one with the fewest;
// nil when none fits.
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
