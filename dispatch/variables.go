package dispatch

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/wire"
)

// VariableScope limits the webhooks that a variable may be used in. A variable with neither hosts
// nor tenants may only go to webhooks that an operator or the configuration file has
// saved last; one with either may go to others too, but nowhere else.
type VariableScope struct {
	// Hosts are those that requests may carry it to, in lower case: a name or an address,
	// or *.example.com for all below one, each with a port where only that one is meant.
	Hosts []string
	// Tenants are those of which webhooks may use it.
	Tenants []string
}

// validateVariables checks that each scope is of a variable and can match something.
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

// variablesOf returns the variables that a webhook may use. One that it may not use is
// not there, like one that does not exist.
func (e *Engine) variablesOf(w *peal.Webhook) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		value, known := e.options.Variables[name]
		if !known || !e.options.VariableScopes[name].includes(w) {
			return "", false
		}
		return value, true
	}
}

func (s VariableScope) includes(w *peal.Webhook) bool {
	if len(s.Hosts) == 0 && len(s.Tenants) == 0 {
		return w.Managed || w.Author != peal.AuthorTenant
	}
	return (len(s.Tenants) == 0 || slices.Contains(s.Tenants, w.Tenant)) && (len(s.Hosts) == 0 || s.reaches(w.URL))
}

// reaches reports whether a URL leads to one of the hosts.
func (s VariableScope) reaches(target string) bool {
	u, err := url.Parse(canonical.Origin(target))
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

// splitPort takes the port off a host; "" for none.
func splitPort(text string) (host, port string) {
	host, port, err := net.SplitHostPort(text)
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
		return text, ""
	}
	return host, port
}

// checkVariables checks that a webhook may use the variables in its headers and in its
// format.
func (e *Engine) checkVariables(w *peal.Webhook, format *wire.Format) error {
	faults := []error{wire.CheckHeaders(w, e.variablesOf(w))}
	if format != nil {
		faults = append(faults, e.checkFormatVariables(w, format))
	}
	return peal.Faults(faults...)
}

// checkFormatVariables checks that a webhook may use the variables of its format, which
// has their values itself.
func (e *Engine) checkFormatVariables(w *peal.Webhook, format *wire.Format) error {
	for _, name := range format.Variables {
		if !e.options.VariableScopes[name].includes(w) {
			return peal.Invalidf("format", "uses a variable that is not available to this webhook; choose another format, or ask the operator")
		}
	}
	return nil
}

// sentByFormat returns the values of variables that a webhook's format sends.
func (e *Engine) sentByFormat(w *peal.Webhook) (values []string) {
	format, known := e.Format(w.Format)
	if !known || len(format.Variables) == 0 || e.checkFormatVariables(w, format) != nil {
		return nil
	}
	for _, name := range format.Variables {
		values = append(values, e.options.Variables[name])
	}
	return values
}

// warnOfUnknownAuthors names webhooks that use variables of the operator's and were
// saved before authors were on record: they go on, and whether they should is for the
// operator to say.
func (e *Engine) warnOfUnknownAuthors(webhooks []peal.Webhook) {
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
		format, _ := e.Format(w.Format)
		if e.checkVariables(w, format) != nil || e.checkVariables(&tenants, format) == nil {
			continue
		}
		if count++; count <= most {
			names = append(names, w.Tenant+"/"+w.ID.String())
		}
	}
	if count > 0 {
		e.log.Warn("webhooks use variables that only an operator's webhook may use, and were saved before it was on record by whom: they go on until a tenant saves them; see that you know them, or set hosts or tenants of the variables",
			"webhooks", count, "some", names)
	}
}
