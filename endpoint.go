package peal

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal/internal/message"
)

// Limits of the credentials of a webhook and its endpoint.
const (
	MaxPins        = 10       // pins of a webhook
	maxCertificate = 32 << 10 // bytes of a client certificate with its chain, and of its key
	MaxScopes      = 50       // scopes of an OAuth2 token
	MaxOAuth2Text  = 4 << 10  // bytes of a client's id, secret, and of all scopes together
)

// ClientCertificate authenticates the sender to an endpoint in TLS (mTLS).
type ClientCertificate struct {
	// Certificate is the certificate in PEM, followed by the intermediate ones up to its
	// authority.
	Certificate string
	// Key is its private key in PEM, not encrypted.
	Key Secret
}

// Pair parses certificate and key; its Leaf is set. The error has code [Invalid] and names the
// field.
func (c *ClientCertificate) Pair() (tls.Certificate, error) {
	if len(c.Certificate) > maxCertificate || len(c.Key.Value) > maxCertificate {
		return tls.Certificate{}, Fault("client_certificate", message.CertificateTooLong, maxCertificate)
	}
	for block, rest := pem.Decode([]byte(c.Certificate)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" { // a key here would be shown
			return tls.Certificate{}, Fault("client_certificate.certificate", message.CertificatesOnly)
		}
	}
	pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key.Value))
	if err != nil { // its text may contain parts of the key
		return tls.Certificate{}, Fault("client_certificate", message.CertificateAndKey)
	}
	return pair, nil
}

// ExpiresAt returns when the certificate expires, in UTC; zero when it cannot be parsed.
func (c *ClientCertificate) ExpiresAt() time.Time {
	block, _ := pem.Decode([]byte(c.Certificate))
	if block == nil {
		return time.Time{}
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter.UTC()
}

// OAuth2 configures the tokens that requests carry as "Authorization: Bearer …", by the client
// credentials grant (RFC 6749, section 4.4).
type OAuth2 struct {
	TokenURL     string // same rules as a webhook's URL
	ClientID     string
	ClientSecret Secret
	Scopes       []string // nil for the token server's default
}

// pinPrefix is the start of every pin.
const pinPrefix = "sha256/"

// ParsePin parses a pin: "sha256/" and the SHA-256 of a certificate's public key
// (SubjectPublicKeyInfo) in base64, as in RFC 7469, section 2.4. The error has code [Invalid].
func ParsePin(text string) ([32]byte, error) {
	encoded, ok := strings.CutPrefix(text, pinPrefix)
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(sum) != 32 || text != FormatPin([32]byte(sum)) { // each pin has one spelling
		return [32]byte{}, Fail(Invalid, message.PinInvalid)
	}
	return [32]byte(sum), nil
}

// FormatPin returns the text of a pin.
func FormatPin(sum [32]byte) string { return pinPrefix + base64.StdEncoding.EncodeToString(sum[:]) }

// validateEndpoint checks the credentials of the webhook and its endpoint.
func (w *Webhook) validateEndpoint() error {
	var faults []error
	if (w.ClientCertificate != nil || len(w.Pins) > 0) && !strings.HasPrefix(strings.ToLower(w.URL), "https:") {
		field := "client_certificate"
		if w.ClientCertificate == nil {
			field = "pins"
		}
		faults = append(faults, Fault(field, message.NeedsHTTPS))
	}
	if c := w.ClientCertificate; c != nil {
		if err := refuseHidden("client_certificate.key", c.Key.Value); err != nil {
			faults = append(faults, err)
		} else if _, err := c.Pair(); err != nil {
			faults = append(faults, err)
		}
	}
	if len(w.Pins) > MaxPins {
		faults = append(faults, Fault("pins", message.TooManyPins, len(w.Pins), MaxPins))
	}
	for i, pin := range w.Pins[:min(len(w.Pins), MaxPins)] {
		if _, err := ParsePin(pin); err != nil {
			faults = append(faults, Fault("pins["+itoa(i)+"]", message.PinInvalid))
		}
	}
	if o := w.OAuth2; o != nil {
		if w.Authorization != "" {
			faults = append(faults, Fault("oauth2", message.BesideAuthorization))
		}
		faults = append(faults, o.validate())
	}
	return JoinFaults(faults...)
}

func (o *OAuth2) validate() error {
	var faults []error
	if err := ValidateURL(o.TokenURL); err != nil {
		var e *Error
		errors.As(err, &e)
		faults = append(faults, e.At("oauth2.token_url"))
	}
	if o.ClientID == "" || len(o.ClientID) > MaxOAuth2Text || !isVisible(o.ClientID, " ") {
		faults = append(faults, Fault("oauth2.client_id", message.PrintableASCII, MaxOAuth2Text))
	}
	if s := o.ClientSecret.Value; s == "" || len(s) > MaxOAuth2Text || !isVisible(s, " ") {
		faults = append(faults, Fault("oauth2.client_secret", message.PrintableASCII, MaxOAuth2Text))
	}
	faults = append(faults, refuseHidden("oauth2.client_secret", o.ClientSecret.Value))
	size := 0
	for i, scope := range o.Scopes {
		size += len(scope) + 1
		if scope == "" || !isVisible(scope, "") || strings.ContainsAny(scope, `"\`) || i >= MaxScopes || size > MaxOAuth2Text {
			faults = append(faults, Fault("oauth2.scopes", message.OAuthScopes, MaxScopes, MaxOAuth2Text))
			break
		}
	}
	return JoinFaults(faults...)
}

// isVisible reports whether all characters of a text are printable ASCII other than space, or
// contained in more.
func isVisible(text, more string) bool {
	for i := range len(text) {
		if c := text[i]; (c <= 0x20 || c >= 0x7f) && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}

// clientCertificateSoon is the time before a client certificate expires in which Peal warns.
const clientCertificateSoon = 30 * 24 * time.Hour

// Warnings returns sentences about certificates of the webhook that expire soon after the time
// at, or have expired.
func (w *Webhook) Warnings(at time.Time) []message.Text {
	var warnings []message.Text
	if expires := w.Health.CertificateExpiresAt; !expires.IsZero() {
		warnings = append(warnings, ends(expires, at, message.CertificateExpires, message.CertificateExpired))
	}
	if c := w.ClientCertificate; c != nil && c.ExpiresAt().Sub(at) < clientCertificateSoon {
		warnings = append(warnings,
			ends(c.ExpiresAt(), at, message.ClientCertificateExpires, message.ClientCertificateExpired))
	}
	return warnings
}

// ends returns a sentence about the end of a certificate: later, or before the time at.
func ends(expires, at time.Time, later, before message.Message) message.Text {
	if !expires.After(at) {
		later = before
	}
	return later.With(expires.Format(time.RFC3339))
}

// forbiddenHeaders are headers that webhooks must not set: they frame the message, belong to the
// hop (RFC 9110, sections 7.6.1 and 8.6), or identify the sender to the receiver.
var forbiddenHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true,
	"Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Upgrade": true, "Expect": true,
	"Http2-Settings": true, "Content-Encoding": true,
}

// ValidateHeaders checks headers for requests: their number, names and values. The error has
// code [Invalid] and the field "headers" or "headers.NAME", in the order of the names.
func ValidateHeaders(headers map[string]string) error {
	if len(headers) > MaxHeaders {
		return Fault("headers", message.TooManyHeaders, len(headers), MaxHeaders)
	}
	var faults []error
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		faults = append(faults, validateHeader(name, canonical, headers[name], seen[canonical]))
		seen[canonical] = true
	}
	return JoinFaults(faults...)
}

func validateHeader(name, canonical, value string, seen bool) error {
	field := "headers." + name
	switch {
	case !isToken(name):
		return Fault("headers", message.HeaderName)
	case forbiddenHeaders[canonical]:
		return Fault(field, message.HeaderReserved)
	case seen:
		return Fault(field, message.HeaderDuplicate)
	case len(name)+len(value) > MaxHeaderValue:
		return Fault(field, message.HeaderTooLong, len(name)+len(value), MaxHeaderValue)
	}
	return validateHeaderValue(field, value)
}

func validateHeaderValue(field, value string) error {
	if len(value) > MaxHeaderValue {
		return Fault(field, message.TooManyBytes, len(value), MaxHeaderValue)
	}
	for i := range len(value) {
		if c := value[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return Fault(field, message.ControlCharacters)
		}
	}
	if err := refuseHidden(field, value); err != nil {
		return err
	}
	if strings.TrimSpace(value) != value {
		return Fault(field, message.OuterSpace)
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20-'a' > 25 && c-'0' > 9 && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
