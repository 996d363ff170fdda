package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	enchex "encoding/hex"
	"net/http"
)

// hmacSHA256 returns the HMAC (RFC 2104) of the concatenated parts.
func hmacSHA256(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(make([]byte, 0, sha256.Size))
}

// hexHMAC returns a prefix and the lower-case hexadecimal HMAC-SHA256 of a body.
func hexHMAC(prefix, secret string, body []byte) string {
	var text [96]byte
	return string(appendHexHMAC(text[:0], prefix, secret, body))
}

func appendHexHMAC(dst []byte, prefix, secret string, body []byte) []byte {
	return enchex.AppendEncode(append(dst, prefix...), hmacSHA256([]byte(secret), body))
}

func hexText(b []byte) string { return enchex.EncodeToString(b) }

func rawBase64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// equal compares two texts in constant time.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func appendBase64(dst, b []byte) []byte { return base64.StdEncoding.AppendEncode(dst, b) }

// verifyHex verifies a lower-case hexadecimal signature of the body with the bytes of the secret.
func verifyHex(header, prefix, got string, body []byte, secrets []string) error {
	if len(got) != len(prefix)+2*sha256.Size || got[:len(prefix)] != prefix {
		message := "the signature in " + header + " must be 64 hexadecimal digits"
		if prefix != "" {
			message = "the signature in " + header + " must be " + prefix + " and 64 hexadecimal digits"
		}
		return fault(ReasonMalformed, header, message)
	}
	for _, secret := range secrets {
		if equal(got, hexHMAC(prefix, secret, body)) {
			return nil
		}
	}
	return wrong(header)
}

func wrong(header string) error {
	return fault(ReasonWrong, header, "the signature in "+header+" does not match: it was made with another secret, or the body is not byte for byte what was sent")
}

// verifyAuthorization checks requests without a signature: the secrets are the expected values of
// Authorization, such as "Bearer …". It authenticates the sender, but does not detect changes to
// the request.
func verifyAuthorization(header http.Header, _ []byte, secrets []string, _ VerifyOptions) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	got, err := needHeader(header, "Authorization")
	if err != nil {
		return err
	}
	for _, secret := range secrets {
		if equal(got, secret) {
			return nil
		}
	}
	return fault(ReasonWrong, "Authorization", "the value of Authorization is not one of the expected values; give the whole value with its scheme, such as Bearer")
}
