package wire

import (
	"net/http"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// DefaultTolerance is the default maximum difference between a signed time and now.
const DefaultTolerance = 5 * time.Minute

// MaxSignatures is the maximum number of signatures in a request. A sender makes one with each of
// its secrets, and each secret costs the verifier a pass over the body.
const MaxSignatures = 20

// VerifyOptions configure the verification of requests.
type VerifyOptions struct {
	// Tolerance is the maximum difference between the signed time and Now, in both directions; 0
	// accepts any time, which is only safe for stored requests.
	Tolerance time.Duration
	// Now is the reference time; the zero time means the current time.
	Now time.Time
}

// DefaultVerifyOptions returns the options for receivers: [DefaultTolerance] and the current time.
func DefaultVerifyOptions() VerifyOptions { return VerifyOptions{Tolerance: DefaultTolerance} }

// Validate checks the options. The error is a *[peal.Error] with code Invalid.
func (o VerifyOptions) Validate() error {
	if o.Tolerance < 0 {
		return peal.Invalidf("tolerance", "must not be negative; 0 takes any time")
	}
	return nil
}

// Reason is the reason why a request failed verification, from a closed list.
type Reason string

// The reasons.
const (
	ReasonMissing   Reason = "missing_header"   // a required header is missing
	ReasonMalformed Reason = "malformed_header" // a header cannot be read
	ReasonStale     Reason = "stale"            // the signed time is too long ago: a replay, or a slow clock
	ReasonFuture    Reason = "future"           // the signed time is in the future: a wrong clock
	ReasonWrong     Reason = "wrong_signature"  // no signature matches the body with any of the secrets
	ReasonSecret    Reason = "unusable_secret"  // a given secret cannot be used: not the sender's fault
)

// VerifyError is the error of a request that failed verification. It never contains a secret or a
// valid signature.
type VerifyError struct {
	Reason Reason
	// Header is the header at fault; "" for none.
	Header string
	// Message is a sentence for the receiver's developer, without a final period.
	Message string
	// Secret is the fault of a secret that cannot be used; nil for any other reason.
	Secret *peal.Error
}

// Error returns the message.
func (e *VerifyError) Error() string { return "verify webhook: " + e.Message }

// Verify verifies a request from a webhook of the named format. It needs the exact bytes of the
// body, before any parsing, and all secrets that may have signed, such as the old and the new one
// of a rotation.
//
// It returns nil if one of them signed the request, at most [DefaultTolerance] from now if the
// format has a time. Comparisons take constant time. The error is a *[VerifyError], or a
// *[peal.Error] with code Invalid if the format does not exist or has nothing to verify.
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

// needHeader returns the value of a required header.
func needHeader(header http.Header, name string) (string, error) {
	value, ok := getHeader(header, name)
	if !ok {
		return "", fault(ReasonMissing, name, "the header "+name+" is missing; check that no proxy removes it")
	}
	return value, nil
}

// CheckTime compares the Unix seconds in a header with Now. Formats defined in other packages use
// it in Verify. Errors are of type *[VerifyError].
func (o VerifyOptions) CheckTime(name, text string) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return fault(ReasonMalformed, name, "the time in "+name+" is not a number of unix seconds")
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

// checkSecrets returns an error without secrets or with an empty one, with which anybody could
// sign.
func checkSecrets(secrets []string) error {
	if len(secrets) == 0 {
		return fault(ReasonSecret, "", "no secret was given to verify with")
	}
	for i, secret := range secrets {
		if secret == "" {
			return UnusableSecret(i, peal.Fault("secret", message.SecretEmpty))
		}
	}
	return nil
}

// UnusableSecret creates the error of a format that cannot verify with the secret i, from 0.
func UnusableSecret(i int, why *peal.Error) error {
	text := "secret " + strconv.Itoa(i+1) + " cannot be used: it " + why.Message
	return &VerifyError{Reason: ReasonSecret, Message: text, Secret: why}
}
