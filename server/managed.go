package server

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

// ManagedWebhook is a webhook that the configuration owns: it is made, changed and
// deleted with its entry there, and nowhere else.
type ManagedWebhook struct {
	// Name is what it is known by from one start to the next, within its tenant: 1
	// to 128 of letters, digits and "._-:@". No two entries have the same.
	Name string
	// Settings are the webhook's. Tenant "" stands for [peal.DefaultTenant], Format ""
	// for the tenant's default, Timeout 0 for [peal.DefaultTimeout], Status "" for
	// active. Without Secrets, one is made and kept where the format always signs.
	Settings peal.Webhook
	// Policy changes the retry policy that the webhook would inherit into its own; nil
	// leaves RetryPolicy of Settings as it is.
	Policy func(inherited peal.RetryPolicy) peal.RetryPolicy
}

// filled gives the settings with the defaults that need nobody to ask.
func (m *ManagedWebhook) filled() peal.Webhook {
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

// validateManaged checks what can be checked without an engine.
func validateManaged(webhooks []ManagedWebhook) error {
	seen := make(map[string]int)
	for i := range webhooks {
		m := &webhooks[i]
		if peal.ValidateTenant(m.Name) != nil { // names follow the same rule
			return inEntry(i, peal.Invalidf("name", "must be 1 to %d letters, digits and \"._-:@\", starting with a letter or digit", peal.MaxTenantLength))
		}
		if first, taken := seen[m.Name]; taken {
			return inEntry(i, peal.Invalidf("name", "is that of webhooks[%d]: give each a name of its own", first))
		}
		seen[m.Name] = i
		w := m.filled()
		if err := peal.ValidateTenant(w.Tenant); err != nil {
			return inEntry(i, err)
		}
		if err := w.Validate(); err != nil {
			return inEntry(i, err)
		}
	}
	return nil
}

// inEntry says which entry an error is about.
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

// digest stands for all that an entry says once its inherited settings are known.
// status is what it says itself, so that writing one down counts as a change. What
// is zero is left out: a field that a later version adds changes no digest.
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
			return "", fmt.Errorf("write down what an entry says: %w", err)
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
			return "", fmt.Errorf("write down what an entry says: %w", err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
