package identity

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// Entry is the part of an audit entry that the handler of a change provides.
type Entry struct {
	// Tenant owns the changed object; "" for an object of the whole server.
	Tenant string
	// Action is an object and a verb, such as webhook.update.
	Action string
	// Target is the ID or name of the object.
	Target string
	// Detail is a short explanation without secrets; may be "".
	Detail string
}

// maxDetail is the maximum length of Detail, in bytes.
const maxDetail = 512

// Record adds a completed action to the audit log. On an error it writes the entry to the server's
// log; a caller that is about to show a secret must then stop.
func (i *Identity) Record(r *http.Request, who Principal, e Entry) error {
	entry := peal.AuditEntry{
		ID: peal.NewAuditID(), Tenant: e.Tenant, ActorKind: string(who.Kind), ActorID: who.ID, Actor: who.Name,
		Action: e.Action,
		Target: e.Target, Detail: strings.ToValidUTF8(e.Detail[:min(len(e.Detail), maxDetail)],
			""), Address: i.address(r), RequestID: front.RequestID(r),
	}
	err := i.store.AppendAudit(context.WithoutCancel(r.Context()), entry, i.keepAudit) // record it even if the client has disconnected
	if err != nil {
		i.log.Error("the audit log could not keep an entry", "error", err, "tenant", entry.Tenant,
			"actor_kind", entry.ActorKind, "actor_id", entry.ActorID,
			"actor", entry.Actor, "action", entry.Action, "target", entry.Target, "detail", entry.Detail, "address", entry.Address, "request_id", entry.RequestID)
	}
	return err
}

// Neighbourhood returns the [front.Neighbourhood] of the client, or "" if its address is unknown.
func (i *Identity) Neighbourhood(r *http.Request) string {
	return front.Neighbourhood(i.proxies.Address(r)).String()
}

// Network returns the network of a request's client, or the zero Prefix if the address is unknown.
func (i *Identity) Network(r *http.Request) netip.Prefix {
	return front.Neighbourhood(i.proxies.Address(r))
}

// address returns the client's address as text, or "".
func (i *Identity) address(r *http.Request) string {
	if address := i.proxies.Address(r); address.IsValid() {
		return address.String()
	}
	return ""
}
