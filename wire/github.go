package wire

import (
	"bytes"
	"net/http"

	"github.com/pealhq/peal"
)

const githubSignature = "X-Hub-Signature-256"

// GitHub's webhooks: the body is the event's data, the rest is in headers.
var gitHub = &Format{
	Name:            GitHub,
	Title:           "GitHub",
	Secrets:         SecretAlways,
	SignatureHeader: githubSignature,
	Headers:         []string{"Content-Type", "X-GitHub-Event", "X-GitHub-Delivery", githubSignature},
	Encode:          encodeGithub,
	Verify:          verifyGithub,
	Decode:          decodeGithub,
	scheme:          &scheme{prefix: "sha256="},
}

func encodeGithub(in *Input) (http.Header, []byte, error) {
	secret := currentSecret(in)
	if secret == "" {
		return nil, nil, missingSecret("github")
	}
	body := bytes.TrimSpace(in.Event.Data)
	return makeHeader(
		"Content-Type", "application/json",
		"X-GitHub-Event", in.Event.Type,
		"X-GitHub-Delivery", in.DeliveryID.String(),
		githubSignature, hexHMAC("sha256=", secret, body),
	), body, nil
}

func verifyGithub(header http.Header, body []byte, secrets []string, _ VerifyOptions) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	got, err := needHeader(header, githubSignature)
	if err != nil {
		return err
	}
	return verifyHex(githubSignature, "sha256=", got, body, secrets)
}

func decodeGithub(header http.Header, body []byte) (peal.Event, error) {
	fields := &fields{}
	event := peal.Event{Data: bytes.TrimSpace(body)}
	event.ID, _ = getHeader(header, "X-GitHub-Delivery")
	ok := false
	if event.Type, ok = getHeader(header, "X-GitHub-Event"); !ok {
		fields.fail("X-GitHub-Event", "is missing")
	}
	return event, fields.check(&event)
}
