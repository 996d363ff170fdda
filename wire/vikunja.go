package wire

import (
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

const vikunjaSignature = "X-Vikunja-Signature"

// Vikunja's project and user webhooks.
var vikunja = &Format{
	Name:            Vikunja,
	Title:           "Vikunja",
	Secrets:         SecretOptional,
	SignatureHeader: vikunjaSignature,
	Headers:         []string{"Content-Type", vikunjaSignature},
	Encode:          encodeVikunja,
	Verify:          verifyVikunja,
	Decode:          decodeVikunja,
	scheme:          &scheme{},
}

func encodeVikunja(in *Input) (http.Header, []byte, error) {
	e := in.Event
	body := make([]byte, 0, len(e.Data)+len(e.Data)/8+len(e.Type)+96)
	body = append(body, `{"event_name":`...)
	body = GoEscaped.AppendString(body, e.Type)
	body = append(body, `,"time":"`...)
	body = append(body, goTime(eventTime(in))...)
	body = append(body, `","data":`...)
	body = GoEscaped.Append(body, e.Data)
	body = append(body, '}')
	if secret := currentSecret(in); secret != "" {
		return makeHeader("Content-Type", "application/json", vikunjaSignature, hexHMAC("", secret, body)), body, nil
	}
	return makeHeader("Content-Type", "application/json"), body, nil
}

// goTime returns an RFC 3339 time in Go's form: no trailing zeros in the fraction, and Z for a zero
// offset. Other offsets are preserved.
func goTime(text string) string {
	text = strings.ToUpper(text) // t and z
	zone := len(text) - 1
	if text[zone] != 'Z' {
		zone = len(text) - len("+00:00")
	}
	clock, offset := text[:zone], text[zone:]
	if strings.IndexByte(clock, '.') > 0 {
		clock = strings.TrimRight(strings.TrimRight(clock, "0"), ".")
	}
	if offset[1:] == "00:00" {
		offset = "Z"
	}
	if len(clock)+len(offset) == len(text) && offset == text[zone:] {
		return text
	}
	return clock + offset
}

func verifyVikunja(header http.Header, body []byte, secrets []string, _ VerifyOptions) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	got, err := needHeader(header, vikunjaSignature)
	if err != nil {
		return err
	}
	return verifyHex(vikunjaSignature, "", got, body, secrets)
}

func decodeVikunja(_ http.Header, body []byte) (peal.Event, error) {
	fields, err := decodeObject(body, "event_name", "time", "data")
	if err != nil {
		return peal.Event{}, err
	}
	event := peal.Event{Type: fields.text("event_name"), Time: fields.time("time"), Data: fields.raw("data")}
	return event, fields.check(&event)
}
