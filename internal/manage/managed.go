package manage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/pealhq/peal"
)

// ManagedWebhook is a webhook that the configuration owns: only its entry there creates, changes
// and deletes it.
type ManagedWebhook struct {
	// Name identifies the webhook within its tenant across restarts: 1 to 128 letters, digits and
	// "._-:@", unique among the entries.
	Name string
	// Settings are the settings of the webhook. Tenant "" stands for [peal.DefaultTenant], Format
	// "" for the tenant's default, Timeout 0 for [peal.DefaultTimeout], Status "" for active.
	// Without Secrets, one is created and kept if the format always signs.
	Settings peal.Webhook
	// Policy returns the retry policy of the webhook, given the one that it would inherit; nil
	// leaves RetryPolicy of Settings as it is.
	Policy func(inherited peal.RetryPolicy) peal.RetryPolicy
}

// withDefaults returns the settings with the defaults that do not depend on the tenant or the
// engine.
func (m *ManagedWebhook) withDefaults() peal.Webhook {
	w := m.Settings
	w.Name = m.Name[:min(len(m.Name), peal.MaxWebhookName)]
	if w.Tenant == "" {
		w.Tenant = peal.DefaultTenant
	}
	if w.Timeout == 0 {
		w.Timeout = peal.DefaultTimeout
	}
	if w.Status == "" {
		w.Status = peal.Active
	}
	return w
}

// ValidateManaged checks the entries without an engine. The error has code [peal.Invalid] and a
// field such as "webhooks[2].url".
func ValidateManaged(webhooks []ManagedWebhook) error {
	seen := make(map[string]int)
	for i := range webhooks {
		m := &webhooks[i]
		if peal.ValidateTenant(m.Name) != nil { // names follow the same rule
			return inEntry(i, peal.Invalidf("name", "must be 1 to %d letters, digits and \"._-:@\", starting with a letter or digit", peal.MaxTenantLength))
		}
		if first, taken := seen[m.Name]; taken {
			return inEntry(i, peal.Invalidf("name", "is the name of webhooks[%d], too; choose another", first))
		}
		seen[m.Name] = i
		w := m.withDefaults()
		if err := peal.ValidateTenant(w.Tenant); err != nil {
			return inEntry(i, err)
		}
		if err := w.Validate(); err != nil {
			return inEntry(i, err)
		}
	}
	return nil
}

// inEntry returns err with the index of its entry.
func inEntry(i int, err error) error {
	if several := peal.FaultsOf(err); len(several) > 1 {
		located := make([]error, len(several))
		for j, one := range several {
			located[j] = inEntry(i, one)
		}
		return peal.JoinFaults(located...)
	}
	var e *peal.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("webhooks[%d]: %w", i, err)
	}
	located := *e
	located.Field = fmt.Sprintf("webhooks[%d]", i)
	if e.Field != "" {
		located.Field += "." + e.Field
	}
	return &located
}

// digest returns a hash of an entry with its inherited settings. status is the one in the entry, so
// that adding it counts as a change. Zero fields are omitted, so that a new field in a later
// version changes no digest.
func digest(w peal.Webhook, status peal.WebhookStatus) (string, error) {
	w.Status = status
	hash := sha256.New()
	encoder := json.NewEncoder(hash)
	fields := reflect.ValueOf(w)
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			continue
		}
		if err := encoder.Encode([]any{fields.Type().Field(i).Name, fields.Field(i).Interface()}); err != nil {
			return "", fmt.Errorf("encode an entry: %w", err)
		}
	}
	secrets := slices.Clone(w.Secrets)
	if w.ClientCertificate != nil {
		secrets = append(secrets, w.ClientCertificate.Key)
	}
	if w.OAuth2 != nil {
		secrets = append(secrets, w.OAuth2.ClientSecret)
	}
	for _, secret := range secrets { // their own JSON hides them
		if err := encoder.Encode([]any{secret.Value, secret.ExpiresAt}); err != nil {
			return "", fmt.Errorf("encode an entry: %w", err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
