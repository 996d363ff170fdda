package wire

import (
	"net/http"
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// DefaultTolerance is how far a signed time may be from now, in both directions.
const DefaultTolerance = 5 * time.Minute

// MaxSignatures is the largest number of signatures that one request may carry. A sender
// has one for each of its secrets, and each secret costs the verifier one pass over the body.
const MaxSignatures = 20

// VerifyOptions says how strictly a request is checked.
type VerifyOptions struct {
	// Tolerance is how far the signed time may be from Now, in both directions;
	// 0 takes any time: for stored requests, never for ones that just came.
	Tolerance time.Duration
	// Now is the moment to compare with; the zero time means the clock's.
	Now time.Time
}

// DefaultVerifyOptions is what a receiver wants: [DefaultTolerance] around the present.
func DefaultVerifyOptions() VerifyOptions { return VerifyOptions{Tolerance: DefaultTolerance} }

// Validate checks the options. Its error is a *[peal.Error] of code Invalid.
func (o VerifyOptions) Validate() error {
	if o.Tolerance < 0 {
		return peal.Invalidf("tolerance", "must not be negative; 0 takes any time")
	}
	return nil
}

// Reason is why a request is not to be trusted, from a closed list.
type Reason string

// The reasons.
const (
	ReasonMissing   Reason = "missing_header"   // a header that the format needs is not there
	ReasonMalformed Reason = "malformed_header" // a header cannot be read
	ReasonStale     Reason = "stale"            // the signed time is too long ago: a replay, or a slow clock
	ReasonFuture    Reason = "future"           // the signed time is yet to come: a wrong clock
	ReasonWrong     Reason = "wrong_signature"  // no signature fits the body with any of the secrets
	ReasonSecret    Reason = "unusable_secret"  // a secret that was given cannot be used: not the sender's fault
)

// VerifyError says why a request was not accepted. It never holds a secret or the
// signature that would have been right.
type VerifyError struct {
	Reason Reason
	// Header is the header that is to blame; "" when none is.
	Header string
	// Message is a sentence for the receiver's developer, without a full stop.
	Message string
}

// Error gives the reason's words.
func (e *VerifyError) Error() string { return "verify webhook: " + e.Message }

// Verify checks a request that claims to come from a webhook of the named format.
// It takes the body's exact bytes, as they came, before anything parsed them, and
// all secrets that may have signed, such as the old and the new one of a rotation.
//
// It gives nil when one of them did, no more than [DefaultTolerance] ago where the
// format has a time. Comparisons take constant time. The error is a *[VerifyError],
// or a *[peal.Error] of code Invalid when there is no such format or it has
// nothing to verify.
func Verify(format string, header http.Header, body []byte, secrets ...string) error {
	f, err := lookup(format)
	if err != nil {
		return err
	}
	if f.Verify == nil {
		return peal.Invalidf("format", "is %s, which has no signature to verify", format)
	}
	return f.Verify(header, body, secrets, DefaultVerifyOptions())
}

func malformed(header, message string) error {
	return fault(ReasonMalformed, header, "the header "+header+" "+message)
}

func fault(reason Reason, header, message string) error {
	return &VerifyError{Reason: reason, Header: header, Message: message}
}

// needHeader gives a header's value or says that it is missing.
func needHeader(header http.Header, name string) (string, error) {
	value, ok := getHeader(header, name)
	if !ok {
		return "", fault(ReasonMissing, name, "the header "+name+" is missing; check that no proxy removes it")
	}
	return value, nil
}

// CheckTime compares the Unix seconds in the header name with the present. Formats that are
// defined elsewhere use it in Verify. Its errors are of type *[VerifyError].
func (o VerifyOptions) CheckTime(name, text string) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return fault(ReasonMalformed, name, "the time in "+name+" is no number of unix seconds")
	}
	if o.Tolerance == 0 {
		return nil
	}
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	signed := time.Unix(seconds, 0)
	if now.Sub(signed) > o.Tolerance {
		return fault(ReasonStale, name, "it was signed more than "+o.Tolerance.String()+" ago: a replay, or this machine's clock is ahead")
	}
	if signed.Sub(now) > o.Tolerance {
		return fault(ReasonFuture, name, "it was signed more than "+o.Tolerance.String()+" in the future: the clock of one side is wrong")
	}
	return nil
}

// checkSecrets refuses to verify without a secret: an empty one would let anybody sign.
func checkSecrets(secrets []string) error {
	if len(secrets) == 0 {
		return fault(ReasonSecret, "", "no secret was given to verify with")
	}
	for i, secret := range secrets {
		if secret == "" {
			return unusable(i, "is empty")
		}
	}
	return nil
}

func unusable(i int, why string) error {
	return fault(ReasonSecret, "", "secret "+strconv.Itoa(i+1)+" cannot be used: it "+why)
}
