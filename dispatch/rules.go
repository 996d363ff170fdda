package dispatch

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// target is a webhook as the engine uses it. It is immutable; a change of the settings makes
// another one.
type target struct {
	*peal.Webhook
	route  *match.Route
	format *wire.Format // nil when this version does not know the format
	policy peal.RetryPolicy
	client *egress.Client // nil when its certificate or pins cannot be used
	// variables are those that the webhook may use; barred is why it may not have its format.
	variables func(name string) (string, bool)
	barred    error
}

// Settings implements [lanes.Webhook].
func (t *target) Settings() *peal.Webhook { return t.Webhook }

// lanesWebhook returns the target as its lane sees it; t may be nil.
func (t *target) lanesWebhook() lanes.Webhook {
	if t == nil {
		return nil
	}
	return t
}

// targetOf returns the target of a job, of which the attempt has started.
func targetOf(j *lanes.Job) *target { return j.Webhook.(*target) }

// rules checks the settings of webhooks against those of the engine, and compiles them.
type rules struct {
	log       *slog.Logger
	formats   []*wire.Format // all, sorted by name
	policy    peal.RetryPolicy
	variables map[string]string
	scopes    map[string]VariableScope
	client    *egress.Client
	tenants   *tenantSettings
}

// compile returns the target of a webhook.
func (r *rules) compile(w *peal.Webhook) *target {
	if !isASCII(w.URL) { // saved before URLs were made canonical
		if url, err := canonical.URL(w.URL); err == nil {
			w.URL = url
		}
	}
	t := &target{Webhook: w, route: match.Load(w, match.DefaultLimits()), policy: r.policyOf(w)}
	t.variables = r.variablesOf(w)
	if t.format, _ = r.format(w.Format); t.format != nil {
		t.barred = r.checkFormatVariables(w, t.format)
	}
	var err error
	if t.client, err = r.clientFor(w); err != nil {
		r.log.Warn("the client certificate or the pins of a webhook cannot be used", "webhook", w.ID, "error", err)
	}
	return t
}

// clientFor returns the client for a webhook's requests.
func (r *rules) clientFor(w *peal.Webhook) (*egress.Client, error) {
	terms := egress.Terms{Tenant: w.Tenant, Secrets: append(egress.Secrets(w, r.variablesOf(w)), r.sentByFormat(w)...)}
	if w.ClientCertificate != nil {
		pair, err := w.ClientCertificate.Pair()
		if err != nil {
			return nil, err
		}
		terms.Certificate = &pair
	}
	for _, text := range w.Pins {
		pin, err := peal.ParsePin(text)
		if err != nil {
			return nil, err
		}
		terms.Pins = append(terms.Pins, pin)
	}
	return r.client.With(terms), nil
}

// policyOf returns the retry policy that governs a webhook.
func (r *rules) policyOf(w *peal.Webhook) peal.RetryPolicy {
	if w.RetryPolicy != nil {
		return *w.RetryPolicy
	}
	if policy := r.tenants.policy(w.Tenant); policy != nil {
		return *policy
	}
	if format, ok := r.format(w.Format); ok && format.RetryPolicy != nil {
		return *format.RetryPolicy
	}
	return r.policy
}

func (r *rules) format(name string) (*wire.Format, bool) {
	for _, f := range r.formats {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// allFormats returns the built-in formats and the given ones, sorted by name.
func allFormats(own []*wire.Format) []*wire.Format {
	list := slices.Concat(wire.Formats(), own)
	slices.SortFunc(list, func(a, b *wire.Format) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (r *rules) formatNames() string {
	var names []string
	for _, f := range r.formats {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// check checks a webhook; before is the stored one, nil for a new webhook.
func (r *rules) check(before, w *peal.Webhook) error {
	faults := []error{w.Validate(), r.checkURLs(w)}
	format, known := r.format(w.Format)
	if !known {
		faults = append(faults, peal.Fault("format", message.FormatUnavailable, r.formatNames()))
	} else {
		faults = append(faults, checkFormat(w, format), checkOwnHeaders(before, w, format))
	}
	faults = append(faults, r.checkVariables(w, format))
	_, err := match.Compile(w, match.DefaultLimits())
	return peal.JoinFaults(append(faults, err)...)
}

// checkURLs checks that the URLs of a webhook may be reached at all.
func (r *rules) checkURLs(w *peal.Webhook) error {
	faults := []error{r.client.CheckURL(w.URL)}
	if w.OAuth2 != nil {
		if err := r.client.CheckURL(w.OAuth2.TokenURL); err != nil {
			var wrong *peal.Error
			errors.As(err, &wrong)
			faults = append(faults, wrong.At("oauth2.token_url"))
		}
	}
	return peal.JoinFaults(faults...)
}

// checkOwnHeaders refuses extra headers that would replace those by which the format's receivers
// verify and identify deliveries. A webhook that already has them keeps them.
func checkOwnHeaders(before, w *peal.Webhook, format *wire.Format) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		if !format.Owns(name) {
			continue
		}
		if before != nil && before.Format == w.Format {
			if value, had := before.Headers[name]; had && value == w.Headers[name] {
				continue
			}
		}
		faults = append(faults, peal.Fault("headers."+name, message.HeaderOfFormat, format.Name))
	}
	return peal.JoinFaults(faults...)
}

// checkFormat checks what a webhook's format requires of it.
func checkFormat(w *peal.Webhook, format *wire.Format) error {
	var faults []error
	if w.Handshake && !format.Handshake {
		faults = append(faults, peal.Fault("handshake", message.HandshakeFormat))
	}
	for _, secret := range w.Secrets {
		faults = append(faults, format.CheckSecret(secret.Value))
	}
	return peal.JoinFaults(faults...)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// variablesOf returns the lookup of the variables that a webhook may use. For one that it may not
// use, the result is the same as for one that does not exist.
func (r *rules) variablesOf(w *peal.Webhook) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		value, known := r.variables[name]
		if !known || !r.scopes[name].includes(w) {
			return "", false
		}
		return value, true
	}
}

// checkVariables checks that a webhook may use the variables in its headers and in its format.
func (r *rules) checkVariables(w *peal.Webhook, format *wire.Format) error {
	faults := []error{wire.CheckHeaders(w, r.variablesOf(w))}
	if format != nil {
		faults = append(faults, r.checkFormatVariables(w, format))
	}
	return peal.JoinFaults(faults...)
}

// checkFormatVariables checks that a webhook may use the variables of its format, which contains
// their values.
func (r *rules) checkFormatVariables(w *peal.Webhook, format *wire.Format) error {
	for _, name := range format.Variables {
		if !r.scopes[name].includes(w) {
			return peal.Fault("format", message.VariablesUnavailable)
		}
	}
	return nil
}

// sentByFormat returns the values of the variables that a webhook's format sends.
func (r *rules) sentByFormat(w *peal.Webhook) (values []string) {
	format, known := r.format(w.Format)
	if !known || len(format.Variables) == 0 || r.checkFormatVariables(w, format) != nil {
		return nil
	}
	for _, name := range format.Variables {
		values = append(values, r.variables[name])
	}
	return values
}

// warnOfUnknownAuthors logs the webhooks that use variables reserved for the operator's webhooks
// and were saved before authors were recorded. They are still sent: whether they should be is for
// the operator to decide.
func (r *rules) warnOfUnknownAuthors(webhooks []peal.Webhook) {
	const most = 20
	var names []string
	count := 0
	for i := range webhooks {
		w := &webhooks[i]
		if w.Author != peal.AuthorUnknown || w.Managed {
			continue
		}
		tenants := *w
		tenants.Author = peal.AuthorTenant
		format, _ := r.format(w.Format)
		if r.checkVariables(w, format) != nil || r.checkVariables(&tenants, format) == nil {
			continue
		}
		if count++; count <= most {
			names = append(names, w.Tenant+"/"+w.ID.String())
		}
	}
	if count > 0 {
		r.log.Warn("webhooks use variables that only an operator's webhook may use, and were saved before authors were recorded: they are sent until a tenant saves them; check that you know them, or set hosts or tenants of the variables",
			"webhooks", count, "some", names)
	}
}

// VariableScope limits the webhooks that a variable may be used in. A variable with neither hosts
// nor tenants may only be sent to webhooks that an operator or the configuration file saved last;
// one with either may be sent to others too, but nowhere else.
type VariableScope struct {
	// Hosts are those that requests may carry it to, in lower case: a name or an address,
	// or *.example.com for all below one, each with a port where only that one is meant.
	Hosts []string
	// Tenants are those of which webhooks may use it.
	Tenants []string
}

// validateVariables checks that each scope belongs to a variable and can match something.
func validateVariables(variables map[string]string, scopes map[string]VariableScope) error {
	for _, name := range slices.Sorted(maps.Keys(scopes)) {
		field := "variables." + name
		if _, known := variables[name]; !known {
			return peal.Invalidf(field, "has no value")
		}
		for _, host := range scopes[name].Hosts {
			bare, _ := splitPort(strings.TrimPrefix(host, "*."))
			if bare == "" || strings.ContainsAny(bare, "/*@ ") || bare != canonical.Host(bare) {
				return peal.Invalidf(field+".hosts", "holds %q: write hosts in lower case, such as chat.example.com, *.example.com for all below it, or with a port", host)
			}
		}
		for _, tenant := range scopes[name].Tenants {
			if err := peal.ValidateTenant(tenant); err != nil {
				return peal.Invalidf(field+".tenants", "holds %q, which is not the name of a tenant", tenant)
			}
		}
	}
	return nil
}

// includes reports whether a webhook may use the variable.
func (s VariableScope) includes(w *peal.Webhook) bool {
	if len(s.Hosts) == 0 && len(s.Tenants) == 0 {
		return w.Managed || w.Author != peal.AuthorTenant
	}
	return (len(s.Tenants) == 0 || slices.Contains(s.Tenants, w.Tenant)) && (len(s.Hosts) == 0 || s.reaches(w.URL))
}

// reaches reports whether a URL is of one of the hosts.
func (s VariableScope) reaches(address string) bool {
	u, err := url.Parse(canonical.Origin(address))
	if err != nil {
		return false
	}
	host := canonical.Host(u.Hostname())
	return slices.ContainsFunc(s.Hosts, func(pattern string) bool {
		name, port := splitPort(pattern)
		if port != "" && port != u.Port() {
			return false
		}
		if below, ok := strings.CutPrefix(name, "*"); ok {
			return len(host) > len(below) && strings.HasSuffix(host, below)
		}
		return host == canonical.Host(name)
	})
}

// splitPort cuts the port off a host; it is "" without one.
func splitPort(text string) (host, port string) {
	host, port, err := net.SplitHostPort(text)
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
		return text, ""
	}
	return host, port
}

// validateFormats checks the formats that the engine gets beside the built-in ones.
func validateFormats(formats []*wire.Format) error {
	seen := make(map[string]bool, len(formats))
	for i, f := range formats {
		field := fmt.Sprintf("formats[%d]", i)
		if f == nil || f.Name == "" || f.Encode == nil {
			return peal.Invalidf(field, "needs a name and Encode")
		}
		if _, builtIn := wire.Lookup(f.Name); builtIn {
			return peal.Invalidf(field+".name", "is that of a built-in format: choose another")
		}
		if seen[f.Name] {
			return peal.Invalidf(field+".name", "is that of another format too: give each a name of its own")
		}
		seen[f.Name] = true
	}
	return nil
}
