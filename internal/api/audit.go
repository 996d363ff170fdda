package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal/internal/identity"
)

// audit is what an answer that tells of a success leaves in the audit log.
type audit struct {
	tenant, target, detail string
	named                  bool // the handler has set tenant and target
	done                   bool
}

// about tells the audit log what the call is about, where the path does not: the id or
// name of what was made, and whose it is.
func (c *call) about(tenant, target string) {
	c.audit.tenant, c.audit.target, c.audit.named = tenant, target, true
}

// changing tells the audit log which members a body changes. Their values stay out of
// it: they may be secret.
func (c *call) changing(body []byte) {
	if c.route.audit == "" || c.route.method != http.MethodPatch {
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil {
		c.audit.detail = strings.Join(slices.Sorted(maps.Keys(members)), ", ")
	}
}

// record puts the call on record before a success is told. A secret is not shown then
// unless that was possible; a change has happened already, so that its answer goes on.
func (c *call) record(status int) error {
	if c.route == nil || c.route.audit == "" || status >= http.StatusMultipleChoices || c.audit.done {
		return nil
	}
	c.audit.done = true
	a := c.audit
	if !a.named {
		a.tenant, a.target = c.tenant, c.target()
	}
	if c.route.access == operate || c.route.access == oversee {
		a.tenant = ""
	}
	err := c.api.Identity.Record(c.request, c.caller, identity.Entry{Tenant: a.tenant, Action: c.route.audit, Target: a.target, Detail: a.detail})
	if c.route.access == reveal {
		return err
	}
	return nil
}
