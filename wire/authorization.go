package wire

import "net/http"

// verifyAuthorization is for senders that do not sign: the secrets are the
// Authorization values that are expected, such as "Bearer …", as a whole. It
// proves who sent the request, not that nobody changed it.
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
	return fault(ReasonWrong, "Authorization", "the value of Authorization is none of those that are expected; give it as a whole, with its scheme, such as Bearer")
}
