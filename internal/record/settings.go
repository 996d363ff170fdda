package record

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// settings is the JSON in the row of a webhook. The names are part of the file format: new ones may
// be added, existing ones never change.
type settings struct {
	URL          string             `json:"url"`
	Events       []string           `json:"events"`
	Format       string             `json:"format"`
	Secrets      []secretTimes      `json:"secrets,omitempty"`
	ExtraPayload []byte             `json:"extra_payload,omitempty"` // original bytes in base64
	UUID         string             `json:"uuid,omitempty"`
	RetryPolicy  *peal.RetryPolicy  `json:"retry_policy,omitempty"`
	Timeout      int64              `json:"timeout_us"`
	RateLimit    *peal.RateLimit    `json:"rate_limit,omitempty"`
	Handshake    bool               `json:"handshake,omitempty"`
	Filter       string             `json:"filter,omitempty"`
	Transform    string             `json:"transform,omitempty"`
	Description  string             `json:"description,omitempty"`
	Status       peal.WebhookStatus `json:"status"`
	StatusReason string             `json:"status_reason,omitempty"`
	Managed      bool               `json:"managed,omitempty"`
	Entry        string             `json:"entry,omitempty"`
	Author       peal.WebhookAuthor `json:"author,omitempty"`
	Certificate  string             `json:"client_certificate,omitempty"`
	Pins         []string           `json:"pins,omitempty"`
	OAuth2       *oauth2            `json:"oauth2,omitempty"`
}

type oauth2 struct {
	TokenURL string   `json:"token_url"`
	ClientID string   `json:"client_id"`
	Scopes   []string `json:"scopes,omitempty"`
}

type secretTimes struct {
	Created int64 `json:"created_us,omitempty"`
	Expires int64 `json:"expires_us,omitempty"`
}

// confidential is the sealed part: everything that would let somebody act for the webhook's owner.
type confidential struct {
	Query          string            `json:"query,omitempty"` // of the URL, with its question mark; may contain tokens
	Secrets        []string          `json:"secrets,omitempty"`
	Authorization  string            `json:"authorization,omitempty"`
	Headers        map[string]string `json:"headers,omitempty"`
	CertificateKey string            `json:"client_certificate_key,omitempty"`
	OAuth2Secret   string            `json:"oauth2_secret,omitempty"`
	TokenQuery     string            `json:"oauth2_token_query,omitempty"` // of the token URL, as Query
	EntryDigest    string            `json:"entry_digest,omitempty"`       // covers secrets, which could be guessed from it
}

// Webhook holds the columns with the settings of a webhook.
type Webhook struct {
	Settings     string
	Confidential []byte
	Sealed       bool
}

// boundTo returns the data that binds the sealed part to its webhook and field: moved elsewhere, it
// does not open.
func boundTo(id peal.WebhookID) []byte { return append(id[:], "webhooks.confidential"...) }

// cutQuery splits a URL before the question mark of its query.
func cutQuery(url string) (base, query string) {
	if i := strings.IndexByte(url, '?'); i >= 0 {
		return url[:i], url[i:]
	}
	return url, ""
}

// EncodeWebhook returns the columns of a webhook, unsealed for a nil sealer.
func EncodeWebhook(webhook *peal.Webhook, sealer peal.Sealer) (Webhook, error) {
	base, query := cutQuery(webhook.URL)
	open := settings{
		URL: base, Events: webhook.Events, Format: webhook.Format, ExtraPayload: webhook.ExtraPayload, UUID: webhook.UUID,
		RetryPolicy: webhook.RetryPolicy, Timeout: webhook.Timeout.Microseconds(), RateLimit: webhook.RateLimit,
		Handshake: webhook.Handshake,
		Filter:    webhook.Filter, Transform: webhook.Transform, Description: webhook.Description,
		Status: webhook.Status, StatusReason: webhook.StatusReason, Managed: webhook.Managed, Entry: webhook.Entry.Name,
		Author: webhook.Author,
	}
	closed := confidential{Query: query, Authorization: webhook.Authorization, Headers: webhook.Headers,
		EntryDigest: webhook.Entry.Digest}
	open.Pins = webhook.Pins
	if c := webhook.ClientCertificate; c != nil {
		open.Certificate, closed.CertificateKey = c.Certificate, c.Key.Value
	}
	if o := webhook.OAuth2; o != nil {
		tokenURL, tokenQuery := cutQuery(o.TokenURL)
		open.OAuth2, closed.OAuth2Secret, closed.TokenQuery = &oauth2{tokenURL, o.ClientID,
			o.Scopes}, o.ClientSecret.Value, tokenQuery
	}
	for _, secret := range webhook.Secrets {
		open.Secrets = append(open.Secrets, secretTimes{micros(secret.CreatedAt), micros(secret.ExpiresAt)})
		closed.Secrets = append(closed.Secrets, secret.Value)
	}
	openText, err := json.Marshal(open)
	if err != nil {
		return Webhook{}, err
	}
	closedText, err := json.Marshal(closed)
	if err != nil {
		return Webhook{}, err
	}
	encoded := Webhook{Settings: string(openText), Confidential: closedText}
	if sealer != nil {
		encoded.Sealed = true
		encoded.Confidential, err = sealer.Seal(closedText, boundTo(webhook.ID))
	}
	return encoded, err
}

// DecodeWebhook sets a webhook's settings from its columns; the ID must be set. An unreadable
// webhook is disabled with an explanation. The error means that a key is missing.
func DecodeWebhook(webhook *peal.Webhook, encoded Webhook, sealer peal.Sealer) error {
	err := decodeWebhook(webhook, encoded, sealer)
	if err != nil && isDamage(err) {
		setAside(webhook)
		return nil
	}
	return err
}

func decodeWebhook(webhook *peal.Webhook, encoded Webhook, sealer peal.Sealer) error {
	var open settings
	if err := decode([]byte(encoded.Settings), &open); err != nil {
		return err
	}
	closedText := encoded.Confidential
	if encoded.Sealed {
		if sealer == nil {
			return peal.Errorf(peal.Internal, "the secrets of %s are sealed, and no key was given to open them; start with the key that sealed them", webhook.ID)
		}
		var err error
		if closedText, err = sealer.Open(closedText, boundTo(webhook.ID)); err != nil {
			if !errors.Is(err, peal.ErrUnknownKey) {
				return err
			}
			return &peal.Error{Code: peal.Internal, Message: "the secrets of " + webhook.ID.String() + " do not open; start with the key that sealed them", Err: err}
		}
	}
	var closed confidential
	if err := decode(closedText, &closed); err != nil {
		return err
	}
	webhook.URL, webhook.Events, webhook.Format, webhook.ExtraPayload, webhook.UUID = open.URL+closed.Query, open.Events,
		open.Format, open.ExtraPayload, open.UUID
	webhook.RetryPolicy, webhook.Timeout, webhook.RateLimit = open.RetryPolicy, min(max(microseconds(open.Timeout),
		peal.MinTimeout), peal.MaxTimeout), open.RateLimit
	if p := webhook.RetryPolicy; p != nil && p.Validate() != nil {
		webhook.RetryPolicy = nil
	}
	webhook.Handshake = open.Handshake
	webhook.Filter, webhook.Transform, webhook.Description = open.Filter, open.Transform, open.Description
	webhook.Status, webhook.StatusReason, webhook.Managed, webhook.Author = open.Status, open.StatusReason, open.Managed,
		open.Author
	webhook.Entry = peal.ConfigEntry{Name: open.Entry, Digest: closed.EntryDigest}
	webhook.Authorization, webhook.Headers = closed.Authorization, closed.Headers
	webhook.Pins = open.Pins
	if open.Certificate != "" {
		webhook.ClientCertificate = &peal.ClientCertificate{Certificate: open.Certificate,
			Key: peal.Secret{Value: closed.CertificateKey}}
	}
	if o := open.OAuth2; o != nil {
		webhook.OAuth2 = &peal.OAuth2{TokenURL: o.TokenURL + closed.TokenQuery, ClientID: o.ClientID,
			ClientSecret: peal.Secret{Value: closed.OAuth2Secret}, Scopes: o.Scopes}
	}
	for i, value := range closed.Secrets {
		secret := peal.Secret{Value: value}
		if i < len(open.Secrets) {
			secret.CreatedAt, secret.ExpiresAt = timeOf(open.Secrets[i].Created), timeOf(open.Secrets[i].Expires)
		}
		webhook.Secrets = append(webhook.Secrets, secret)
	}
	return nil
}

// sourceSettings is the JSON in the row of a source. The names are part of the file format: new
// ones may be added, existing ones never change.
type sourceSettings struct {
	Format      string             `json:"format"`
	Secrets     []secretTimes      `json:"secrets,omitempty"`
	Unverified  bool               `json:"unverified,omitempty"`
	Dedup       peal.SourceDedup   `json:"dedup"`
	Description string             `json:"description,omitempty"`
	Status      peal.WebhookStatus `json:"status"`
}

// Source holds the columns with the settings of a source.
type Source struct {
	Settings string
	Secrets  []byte
	Sealed   bool
}

// sourceBoundTo returns the data that binds the sealed secrets to their source.
func sourceBoundTo(id peal.SourceID) []byte { return append(id[:], "sources.secrets"...) }

// EncodeSource returns the columns of a source, unsealed for a nil sealer.
func EncodeSource(source *peal.Source, sealer peal.Sealer) (Source, error) {
	open := sourceSettings{
		Format: source.Format, Unverified: source.Unverified, Dedup: source.Dedup, Description: source.Description,
		Status: source.Status,
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

// DecodeSource sets a source's settings from its columns; the ID must be set. An unreadable source
// is disabled with an explanation. The error means that a key is missing.
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

// SealedColumn is a column with sealed values. Its table also has the columns id (16 bytes) and
// sealed.
type SealedColumn struct {
	Table, Column string
	bound         func(id [16]byte) []byte // additional data that binds a value to its row
}

// SealedColumns returns all sealed columns. A new one in the schema must be added here.
func SealedColumns() []SealedColumn {
	return []SealedColumn{
		{"webhooks", "confidential", func(id [16]byte) []byte { return boundTo(id) }},
		{"sources", "secrets", func(id [16]byte) []byte { return sourceBoundTo(id) }},
	}
}

// Reseal returns the value of a row, sealed with the sealer's current key.
func (c *SealedColumn) Reseal(sealer peal.Sealer, id [16]byte, value []byte, sealed bool) ([]byte, error) {
	if sealed {
		var err error
		if value, err = sealer.Open(value, c.bound(id)); err != nil {
			return nil, &peal.Error{Code: peal.Internal, Message: "a secret of the table " + c.Table + " does not open; start with the key that sealed it behind the new one", Err: err}
		}
	}
	return sealer.Seal(value, c.bound(id))
}

// A damaged value must not prevent other rows from being read, or a server from starting. So
// unreadable values are shown as such, and values out of range at their bound.

// Decode decodes JSON leniently and reports whether all of it was decoded. A member with another
// type or out of range keeps its zero value; text that is not JSON leaves the whole value
// unchanged.
func Decode(text []byte, into any) bool { return decode(text, into) == nil }

func decode(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return nil // the other members were decoded
	}
	return err
}

// ReadAttempt parses a record. For a damaged one it returns an attempt with an error that reports
// the damage.
func ReadAttempt(b []byte) peal.Attempt {
	a, err := ParseAttempt(b)
	return orUnreadable(a, err, b)
}

// ReadJoined is like [ReadAttempt] for the parts of an attempt, see [JoinAttempt].
func ReadJoined(facts, exchange []byte) peal.Attempt {
	a, err := JoinAttempt(facts, exchange)
	return orUnreadable(a, err, facts)
}

func orUnreadable(a peal.Attempt, err error, b []byte) peal.Attempt {
	if err == nil {
		return a
	}
	a = peal.Attempt{Error: "what is stored of this attempt cannot be read"}
	if len(b) > len(a.ID) {
		copy(a.ID[:], b[1:])
	}
	return a
}

// microseconds returns a duration in microseconds, limited to the maximum duration.
func microseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Microsecond)
	return time.Duration(max(-most, min(n, most))) * time.Microsecond
}

// isDamage reports whether an error concerns only one row. A missing key, which affects all rows,
// is not damage.
func isDamage(err error) bool {
	var refused *peal.Error
	return !errors.Is(err, peal.ErrUnknownKey) && !errors.As(err, &refused)
}

const unreadable = "what is stored of it cannot be read; delete it and create it again, or restore the database from a backup"

// setAside disables an unreadable webhook.
func setAside(w *peal.Webhook) {
	*w = peal.Webhook{
		ID: w.ID, Tenant: w.Tenant, Revision: w.Revision, Health: w.Health, UpdatedAt: w.UpdatedAt,
		URL: "https://unreadable.invalid/", Format: "standard", Status: peal.Disabled, StatusReason: unreadable,
	}
}

// setSourceAside disables an unreadable source.
func setSourceAside(s *peal.Source) {
	s.Format, s.Secrets, s.Unverified, s.Dedup = "standard", nil, false, peal.DedupID
	s.Status, s.Description = peal.Disabled, unreadable
}

// DecodePolicy returns a retry policy, or nil for an invalid one, so that the default of the level
// above applies.
func DecodePolicy(text []byte) *peal.RetryPolicy {
	policy := new(peal.RetryPolicy)
	if !Decode(text, policy) || policy.Validate() != nil {
		return nil
	}
	return policy
}
