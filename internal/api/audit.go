package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal/internal/identity"
)

// audit is the entry that a successful call adds to the audit log.
type audit struct {
	tenant, target, detail string
	named                  bool // the handler has set tenant and target
	done                   bool
}

// about sets the target of the audit entry, where the path does not name it: the id or name of a
// new resource, and its tenant.
func (c *call) about(tenant, target string) {
	c.audit.tenant, c.audit.target, c.audit.named = tenant, target, true
}

// changing sets the detail of the audit entry to the names of the members that a body changes.
// Their values may be secret.
func (c *call) changing(body []byte) {
	if c.route.audit == "" || c.route.method != http.MethodPatch {
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil {
		c.audit.detail = strings.Join(slices.Sorted(maps.Keys(members)), ", ")
	}
}

// record adds the call to the audit log before a successful answer is sent. If that fails, a secret
// is not shown; a change has already happened, so its answer is sent anyway.
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
	err := c.api.Identity.Record(c.request, c.caller, identity.Entry{Tenant: a.tenant, Action: c.route.audit,
		Target: a.target, Detail: a.detail})
	if c.route.access == reveal {
		return err
	}
	return nil
}
