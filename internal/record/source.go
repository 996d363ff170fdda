package record

import (
	"encoding/json"
	"errors"

	"github.com/pealhq/peal"
)

// sourceSettings are what a source's row holds as JSON. The names are part of the
// file format: they may be added to, never changed.
type sourceSettings struct {
	Format      string             `json:"format"`
	Secrets     []secretTimes      `json:"secrets,omitempty"`
	Unverified  bool               `json:"unverified,omitempty"`
	Dedup       peal.SourceDedup   `json:"dedup"`
	Description string             `json:"description,omitempty"`
	Status      peal.WebhookStatus `json:"status"`
}

// Source are the columns that hold a source's settings.
type Source struct {
	Settings string
	Secrets  []byte
	Sealed   bool
}

// sourceBoundTo is what a source's sealed secrets belong to.
func sourceBoundTo(id peal.SourceID) []byte { return append(id[:], "sources.secrets"...) }

// EncodeSource gives the columns of a source; a nil sealer leaves them open.
func EncodeSource(source *peal.Source, sealer peal.Sealer) (Source, error) {
	open := sourceSettings{
		Format: source.Format, Unverified: source.Unverified, Dedup: source.Dedup, Description: source.Description, Status: source.Status,
	}
	values := make([]string, 0, len(source.Secrets))
	for _, secret := range source.Secrets {
		open.Secrets = append(open.Secrets, secretTimes{micros(secret.CreatedAt), micros(secret.ExpiresAt)})
		values = append(values, secret.Value)
	}
	openText, err := json.Marshal(open)
	if err != nil {
		return Source{}, err
	}
	closedText, err := json.Marshal(values)
	if err != nil {
		return Source{}, err
	}
	encoded := Source{Settings: string(openText), Secrets: closedText}
	if sealer != nil {
		encoded.Sealed = true
		encoded.Secrets, err = sealer.Seal(closedText, sourceBoundTo(source.ID))
	}
	return encoded, err
}

// DecodeSource fills in a source's settings from its columns; ID is already there. One that
// cannot be read is disabled and says so. The error is that of a missing key.
func DecodeSource(source *peal.Source, encoded Source, sealer peal.Sealer) error {
	err := decodeSource(source, encoded, sealer)
	if err != nil && isDamage(err) {
		setSourceAside(source)
		return nil
	}
	return err
}

func decodeSource(source *peal.Source, encoded Source, sealer peal.Sealer) error {
	var open sourceSettings
	if err := decode([]byte(encoded.Settings), &open); err != nil {
		return err
	}
	closedText := encoded.Secrets
	if encoded.Sealed {
		if sealer == nil {
			return peal.Errorf(peal.Internal, "the secrets of %s are sealed, and no key was given to open them; start with the key that sealed them", source.ID)
		}
		var err error
		if closedText, err = sealer.Open(closedText, sourceBoundTo(source.ID)); err != nil {
			if !errors.Is(err, peal.ErrUnknownKey) {
				return err
			}
			return &peal.Error{Code: peal.Internal, Message: "the secrets of " + source.ID.String() + " do not open; start with the key that sealed them", Err: err}
		}
	}
	var values []string
	if err := decode(closedText, &values); err != nil {
		return err
	}
	source.Format, source.Unverified, source.Dedup = open.Format, open.Unverified, open.Dedup
	source.Description, source.Status = open.Description, open.Status
	for i, value := range values {
		secret := peal.Secret{Value: value}
		if i < len(open.Secrets) {
			secret.CreatedAt, secret.ExpiresAt = timeOf(open.Secrets[i].Created), timeOf(open.Secrets[i].Expires)
		}
		source.Secrets = append(source.Secrets, secret)
	}
	return nil
}
