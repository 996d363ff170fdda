package identity

import (
	"context"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// Entry is what a handler says of a change for the audit log: who, when and from where
// are known.
type Entry struct {
	// Tenant is whose thing it was about; "" for one of the whole server.
	Tenant string
	// Action is a thing and a verb, such as webhook.update.
	Action string
	// Target is the id or name of the thing.
	Target string
	// Detail says more in a few words, without secrets; may be "".
	Detail string
}

// maxDetail is the most bytes of what an entry says beside the action.
const maxDetail = 512

// Record puts something that was done into the audit log. When that fails, the server's
// log has it, and the error tells so: who shows a secret must not go on then.
func (i *Identity) Record(r *http.Request, who Principal, e Entry) error {
	entry := peal.AuditEntry{
		ID: peal.NewAuditID(), Tenant: e.Tenant, ActorKind: string(who.Kind), ActorID: who.ID, Actor: who.Name, Action: e.Action,
		Target: e.Target, Detail: strings.ToValidUTF8(e.Detail[:min(len(e.Detail), maxDetail)], ""), Address: i.address(r), RequestID: front.RequestID(r),
	}
	err := i.store.AppendAudit(context.WithoutCancel(r.Context()), entry, i.keepAudit) // it was done, even if the caller is gone
	if err != nil {
		i.log.Error("the audit log could not keep an entry", "error", err, "tenant", entry.Tenant, "actor_kind", entry.ActorKind, "actor_id", entry.ActorID,
			"actor", entry.Actor, "action", entry.Action, "target", entry.Target, "detail", entry.Detail, "address", entry.Address, "request_id", entry.RequestID)
	}
	return err
}

// Neighbourhood returns the network that the client of a request shares its address with: an
// IPv6 host has a whole /64. It is "" where the address is not known.
func (i *Identity) Neighbourhood(r *http.Request) string {
	return front.Neighbourhood(i.proxies.Address(r)).String()
}

// address is where a request came from, as it is written down.
func (i *Identity) address(r *http.Request) string {
	if address := i.proxies.Address(r); address.IsValid() {
		return address.String()
	}
	return ""
}
