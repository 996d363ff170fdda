package intake

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// Check checks all of a source's settings before it is saved: the rules of [peal.Source], that its
// format can be decoded, and that its secrets can verify. The error has code [peal.Invalid] and
// names the field; see [peal.Source.Validate].
func Check(source *peal.Source) error {
	format, ok := wire.Lookup(source.Format)
	if !ok || format.Decode == nil {
		return peal.JoinFaults(
			peal.Fault("format", message.SourceFormat, strings.Join(formatNames(), ", ")), source.Validate())
	}
	faults := []error{source.Validate()}
	for _, secret := range source.Secrets {
		faults = append(faults, checkSecret(format, secret.Value))
	}
	return peal.JoinFaults(faults...)
}

// Formats returns the formats that a source can read.
func Formats() []*wire.Format {
	var formats []*wire.Format
	for _, f := range wire.Formats() {
		if f.Decode != nil {
			formats = append(formats, f)
		}
	}
	return formats
}

func formatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// FreshSecret creates a secret for a source with the given format: a signing secret or, for a
// format without signatures, a value of the Authorization header.
func FreshSecret(format string) string {
	if f, ok := wire.Lookup(format); ok && f.Secrets != wire.SecretNone {
		return f.FreshSecret()
	}
	return "Bearer " + rand.Text()
}

// checkSecret checks a secret by verifying an empty request: with a usable secret, the format
// reports an error about the request instead of one about the secret.
func checkSecret(format *wire.Format, secret string) error {
	if format.Verify == nil {
		return peal.Fault("secret", message.SourceSecretUnused, format.Name)
	}
	if format.Secrets == wire.SecretNone && strings.TrimSpace(secret) != secret {
		return peal.Fault("secret", message.AuthorizationSpace)
	}
	err := format.Verify(http.Header{}, nil, []string{secret}, wire.DefaultVerifyOptions())
	var refused *wire.VerifyError
	if errors.As(err, &refused) && refused.Secret != nil {
		return refused.Secret.At("secret")
	}
	return nil
}
