package record

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/pealhq/peal"
)

// settings are what a webhook's row holds as JSON. The names are part of the file
// format: they may be added to, never changed.
type settings struct {
	URL          string             `json:"url"`
	Events       []string           `json:"events"`
	Format       string             `json:"format"`
	Secrets      []secretTimes      `json:"secrets,omitempty"`
	ExtraPayload []byte             `json:"extra_payload,omitempty"` // bytes as they came: base64
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
	Author       peal.Author        `json:"author,omitempty"`
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

// confidential is what is sealed: all that lets somebody act for the webhook's owner.
type confidential struct {
	Query          string            `json:"query,omitempty"` // of the URL, with its question mark: tokens stand there
	Secrets        []string          `json:"secrets,omitempty"`
	Authorization  string            `json:"authorization,omitempty"`
	Headers        map[string]string `json:"headers,omitempty"`
	CertificateKey string            `json:"client_certificate_key,omitempty"`
	OAuth2Secret   string            `json:"oauth2_secret,omitempty"`
	TokenQuery     string            `json:"oauth2_token_query,omitempty"` // of the token URL, as Query
	EntryDigest    string            `json:"entry_digest,omitempty"`       // of secrets too, which might be guessed from it
}

// Webhook are the columns that hold a webhook's settings.
type Webhook struct {
	Settings     string
	Confidential []byte
	Sealed       bool
}

// boundTo is what a webhook's sealed part belongs to: moved to another webhook, or
// to another field, it does not open.
func boundTo(id peal.WebhookID) []byte { return append(id[:], "webhooks.confidential"...) }

// cutQuery takes the query off a URL, with its question mark.
func cutQuery(url string) (base, query string) {
	if i := strings.IndexByte(url, '?'); i >= 0 {
		return url[:i], url[i:]
	}
	return url, ""
}

// EncodeWebhook gives the columns of a webhook; a nil sealer leaves them open.
func EncodeWebhook(webhook *peal.Webhook, sealer peal.Sealer) (Webhook, error) {
	base, query := cutQuery(webhook.URL)
	open := settings{
		URL: base, Events: webhook.Events, Format: webhook.Format, ExtraPayload: webhook.ExtraPayload, UUID: webhook.UUID,
		RetryPolicy: webhook.RetryPolicy, Timeout: webhook.Timeout.Microseconds(), RateLimit: webhook.RateLimit, Handshake: webhook.Handshake,
		Filter: webhook.Filter, Transform: webhook.Transform, Description: webhook.Description,
		Status: webhook.Status, StatusReason: webhook.StatusReason, Managed: webhook.Managed, Entry: webhook.Entry.Name, Author: webhook.Author,
	}
	closed := confidential{Query: query, Authorization: webhook.Authorization, Headers: webhook.Headers, EntryDigest: webhook.Entry.Digest}
	open.Pins = webhook.Pins
	if c := webhook.ClientCertificate; c != nil {
		open.Certificate, closed.CertificateKey = c.Certificate, c.Key.Value
	}
	if o := webhook.OAuth2; o != nil {
		tokenURL, tokenQuery := cutQuery(o.TokenURL)
		open.OAuth2, closed.OAuth2Secret, closed.TokenQuery = &oauth2{tokenURL, o.ClientID, o.Scopes}, o.ClientSecret.Value, tokenQuery
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

// DecodeWebhook fills in a webhook's settings from its columns; ID is already there. One that
// cannot be read is disabled and says so. The error is that of a missing key.
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
	webhook.URL, webhook.Events, webhook.Format, webhook.ExtraPayload, webhook.UUID = open.URL+closed.Query, open.Events, open.Format, open.ExtraPayload, open.UUID
	webhook.RetryPolicy, webhook.Timeout, webhook.RateLimit = open.RetryPolicy, min(max(microseconds(open.Timeout), peal.MinTimeout), peal.MaxTimeout), open.RateLimit
	if p := webhook.RetryPolicy; p != nil && p.Validate() != nil {
		webhook.RetryPolicy = nil
	}
	webhook.Handshake = open.Handshake
	webhook.Filter, webhook.Transform, webhook.Description = open.Filter, open.Transform, open.Description
	webhook.Status, webhook.StatusReason, webhook.Managed, webhook.Author = open.Status, open.StatusReason, open.Managed, open.Author
	webhook.Entry = peal.Entry{Name: open.Entry, Digest: closed.EntryDigest}
	webhook.Authorization, webhook.Headers = closed.Authorization, closed.Headers
	webhook.Pins = open.Pins
	if open.Certificate != "" {
		webhook.ClientCertificate = &peal.ClientCertificate{Certificate: open.Certificate, Key: peal.Secret{Value: closed.CertificateKey}}
	}
	if o := open.OAuth2; o != nil {
		webhook.OAuth2 = &peal.OAuth2{TokenURL: o.TokenURL + closed.TokenQuery, ClientID: o.ClientID, ClientSecret: peal.Secret{Value: closed.OAuth2Secret}, Scopes: o.Scopes}
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
