package peal

import "net/url"

// Storable reports why a store must not take a webhook: without an ID, a tenant, a URL to
// send to and events, nothing could be done with it. It is what every store
// asks; [Webhook.Validate] asks for much more. The error has code [Invalid] and names the
// field.
func (w *Webhook) Storable() error {
	u, err := url.Parse(w.URL)
	switch {
	case w.ID.IsZero():
		return Invalidf("id", "is missing")
	case w.Tenant == "":
		return Invalidf("tenant", "is missing")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return Invalidf("url", "must be a URL such as https://host/path")
	case len(w.Events) == 0:
		return Invalidf("events", "is missing or empty: name event types or patterns, such as task.created, task.* or *")
	}
	switch w.Status {
	case Active, Paused, Disabled:
		return nil
	}
	return Invalidf("status", "must be active, paused or disabled")
}

// Storable reports why a store must not take a source: without an ID, a tenant, a name
// and a format. The error has code [Invalid] and names the field.
func (s *Source) Storable() error {
	switch {
	case s.ID.IsZero():
		return Invalidf("id", "is missing")
	case s.Tenant == "":
		return Invalidf("tenant", "is missing")
	case s.Format == "":
		return Invalidf("format", "is missing")
	}
	return ValidateSourceName(s.Name)
}
