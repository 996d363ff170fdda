package storetest

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// idAt returns an id of another time.
func idAt[I ~[16]byte](at time.Time, n int) I {
	id := [16]byte(peal.FloorID[I](at))
	id[8] = 0x80
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return I(id)
}

var sessionTests = map[string]func(*testing.T, *harness){
	"what is created comes back until it ends": func(t *testing.T, h *harness) {
		user := h.user("ann")
		first := peal.Session{ID: peal.NewSessionID(), Kind: peal.SessionFirstRun, Hash: sha256.Sum256([]byte(h.tenant)),
			Name: "first run", Role: peal.RoleOwner, ExpiresAt: moment().Add(time.Hour)}
		h.must(h.store.CreateSession(h.ctx, first))
		for _, want := range []peal.Session{h.session(user), first} {
			got, err := h.store.SessionByHash(h.ctx, want.Hash, want.ExpiresAt.Add(-time.Microsecond))
			h.must(err)
			h.equal(got, want, "session")
			_, err = h.store.SessionByHash(h.ctx, want.Hash, want.ExpiresAt)
			h.refused(err, peal.NotFound)
		}
		_, err := h.store.SessionByHash(h.ctx, sha256.Sum256([]byte("unknown")), moment())
		h.refused(err, peal.NotFound)
	},
	"a revoked one lets nobody in": func(t *testing.T, h *harness) {
		session, stays := h.session(h.user("ann")), h.session(h.user("bob"))
		h.refused(h.store.RevokeSession(h.ctx, "somebody-else", session.ID, moment()), peal.NotFound)
		h.refused(h.store.RevokeSession(h.ctx, h.tenant, peal.NewSessionID(), moment()), peal.NotFound)
		at := moment()
		h.must(h.store.RevokeSession(h.ctx, h.tenant, session.ID, at))
		h.must(h.store.RevokeSession(h.ctx, "", session.ID, at.Add(time.Hour)))
		if h.signedIn(session) || !h.signedIn(stays) {
			t.Error("not that session has ended")
		}
		list, err := h.store.Sessions(h.ctx, peal.SessionQuery{Tenant: h.tenant, Limit: 10})
		h.must(err)
		session.RevokedAt = at
		h.equal(list, []peal.Session{stays, session}, "sessions")
	},
	"all of a user end at once": func(t *testing.T, h *harness) {
		user, other := h.user("ann"), h.user("bob")
		sessions, stays := []peal.Session{h.session(user), h.session(user), h.session(user)}, h.session(other)
		h.must(h.store.RevokeSession(h.ctx, "", sessions[0].ID, moment()))
		n, err := h.store.RevokeSessions(h.ctx, user.ID, moment())
		h.must(err)
		h.equal(n, 2, "revoked sessions")
		for _, session := range sessions {
			if h.signedIn(session) {
				t.Error("a session is still active")
			}
		}
		if !h.signedIn(stays) {
			t.Error("another's session has ended")
		}
		n, err = h.store.RevokeSessions(h.ctx, other.ID, stays.ExpiresAt)
		h.must(err)
		h.equal(n, 0, "revoked sessions that have ended")
	},
	"they are listed newest first": func(t *testing.T, h *harness) {
		ann, bob := h.user("ann"), h.user("bob")
		a, b, c := h.session(ann), h.session(bob), h.session(ann)
		for name, test := range map[string]struct {
			query peal.SessionQuery
			want  []peal.Session
		}{
			"a tenant's":          {peal.SessionQuery{Tenant: h.tenant, Limit: 10}, []peal.Session{c, b, a}},
			"a page":              {peal.SessionQuery{Tenant: h.tenant, Before: c.ID, Limit: 1}, []peal.Session{b}},
			"a user's":            {peal.SessionQuery{Tenant: h.tenant, UserID: ann.ID, Limit: 10}, []peal.Session{c, a}},
			"a user's, by anyone": {peal.SessionQuery{UserID: ann.ID, Limit: 10}, []peal.Session{c, a}},
			"a stranger's":        {peal.SessionQuery{Tenant: "stranger", UserID: ann.ID, Limit: 10}, nil},
		} {
			got, err := h.store.Sessions(h.ctx, test.query)
			h.must(err)
			h.equal(got, test.want, name)
		}
	},
	"a purge deletes those that ended long ago": func(t *testing.T, h *harness) {
		user := h.user("ann")
		const month = 30 * 24 * time.Hour
		now := moment()
		old := func(n int, ended time.Time) peal.Session {
			session := h.newSession(user)
			session.ID, session.ExpiresAt = idAt[peal.SessionID](now.Add(-2*month), n), ended
			session.Hash = sha256.Sum256(append([]byte(h.tenant), byte(n), byte(n>>8)))
			h.must(h.store.CreateSession(h.ctx, session))
			return session
		}
		kept := old(0, now.Add(-month+time.Minute))
		for n := range 101 {
			old(n+1, now.Add(-month-time.Minute))
		}
		revoked := old(102, now.Add(time.Hour))
		h.must(h.store.RevokeSession(h.ctx, h.tenant, revoked.ID, now.Add(-month-time.Minute)))
		latest := h.session(user)
		all := func() []peal.Session {
			list, err := h.store.Sessions(h.ctx, peal.SessionQuery{UserID: user.ID, Limit: 200})
			h.must(err)
			return list
		}
		h.equal(len(all()), 104, "sessions after a new one")
		h.purge(peal.PurgeParams{})
		h.equal(len(all()), 104, "sessions after a purge of nothing")
		first, err := h.store.Purge(h.ctx, peal.PurgeParams{Ended: now.Add(-month)})
		h.must(err)
		if first.Sessions > 200 || !first.More {
			h.t.Errorf("the first batch deleted %d sessions, more is %v", first.Sessions, first.More)
		}
		h.purge(peal.PurgeParams{Ended: now.Add(-month)})
		h.equal(all(), []peal.Session{latest, kept}, "sessions that stay")
	},
}

func (h *harness) newLink() peal.PortalLink {
	id := peal.NewPortalLinkID()
	return peal.PortalLink{
		ID: id, Tenant: h.tenant, Name: "Carla ü", Hash: sha256.Sum256(id[:]), ReadOnly: true,
		ExpiresAt: moment().Add(time.Hour), SessionLife: 90 * time.Second,
	}
}

func (h *harness) link() peal.PortalLink {
	h.t.Helper()
	link := h.newLink()
	h.must(h.store.CreatePortalLink(h.ctx, link))
	return link
}

// guest returns a session for a portal link to complete.
func guest() peal.Session {
	id := peal.NewSessionID()
	return peal.Session{ID: id, Kind: peal.SessionPortal, Hash: sha256.Sum256(id[:]), Address: "192.0.2.2",
		Agent: "Browser"}
}

var portalLinkTests = map[string]func(*testing.T, *harness){
	"it works once": func(t *testing.T, h *harness) {
		for _, readOnly := range []bool{true, false} {
			link := h.newLink()
			link.ReadOnly = readOnly
			h.must(h.store.CreatePortalLink(h.ctx, link))
			want, at := guest(), moment()
			got, err := h.store.RedeemPortalLink(h.ctx, link.Hash, want, at)
			h.must(err)
			want.PortalLinkID, want.Name, want.Tenant, want.Role, want.ExpiresAt = link.ID, link.Name, h.tenant, link.Role(),
				at.Add(link.SessionLife)
			h.equal(got, want, "session")
			got, err = h.store.SessionByHash(h.ctx, want.Hash, at)
			h.must(err)
			h.equal(got, want, "stored session")
			_, err = h.store.RedeemPortalLink(h.ctx, link.Hash, guest(), at)
			h.refused(err, peal.NotFound)
			links, err := h.store.PortalLinks(h.ctx, h.tenant, peal.PortalLinkID{}, 1)
			h.must(err)
			link.UsedAt = at
			h.equal(links, []peal.PortalLink{link}, "links")
		}
	},
	"only one of many gets in": func(t *testing.T, h *harness) {
		link := h.link()
		var let sync.Map
		var wait sync.WaitGroup
		for n := range 8 {
			wait.Go(func() {
				if _, err := h.store.RedeemPortalLink(h.ctx, link.Hash, guest(), moment()); err == nil {
					let.Store(n, true)
				}
			})
		}
		wait.Wait()
		n := 0
		let.Range(func(any, any) bool { n++; return true })
		h.equal(n, 1, "sessions")
	},
	"an unknown, expired or revoked one lets nobody in": func(t *testing.T, h *harness) {
		_, err := h.store.RedeemPortalLink(h.ctx, h.newLink().Hash, guest(), moment())
		h.refused(err, peal.NotFound)
		expired := h.link()
		_, err = h.store.RedeemPortalLink(h.ctx, expired.Hash, guest(), expired.ExpiresAt)
		h.refused(err, peal.NotFound)
		revoked := h.link()
		h.refused(h.store.RevokePortalLink(h.ctx, "stranger", revoked.ID, moment()), peal.NotFound)
		h.must(h.store.RevokePortalLink(h.ctx, h.tenant, revoked.ID, moment()))
		_, err = h.store.RedeemPortalLink(h.ctx, revoked.Hash, guest(), moment())
		h.refused(err, peal.NotFound)
		h.refused(h.store.RevokePortalLink(h.ctx, "", peal.NewPortalLinkID(), moment()), peal.NotFound)
	},
	"revoking it ends its session": func(t *testing.T, h *harness) {
		link, other := h.link(), h.link()
		session, err := h.store.RedeemPortalLink(h.ctx, link.Hash, guest(), moment())
		h.must(err)
		stays, err := h.store.RedeemPortalLink(h.ctx, other.Hash, guest(), moment())
		h.must(err)
		h.must(h.store.RevokePortalLink(h.ctx, "", link.ID, moment()))
		if h.signedIn(session) || !h.signedIn(stays) {
			t.Error("not the link's session has ended")
		}
	},
	"ids and hashes are taken once": func(t *testing.T, h *harness) {
		first, other := h.link(), h.newLink()
		other.ID = first.ID
		h.refused(h.store.CreatePortalLink(h.ctx, other), peal.Conflict)
		other = h.newLink()
		other.Hash = first.Hash
		h.refused(h.store.CreatePortalLink(h.ctx, other), peal.Conflict)
	},
	"they are listed newest first": func(t *testing.T, h *harness) {
		a, b, c := h.link(), h.link(), h.link()
		page, err := h.store.PortalLinks(h.ctx, h.tenant, peal.PortalLinkID{}, 2)
		h.must(err)
		h.equal(page, []peal.PortalLink{c, b}, "first page")
		page, err = h.store.PortalLinks(h.ctx, h.tenant, b.ID, 2)
		h.must(err)
		h.equal(page, []peal.PortalLink{a}, "second page")
		page, err = h.store.PortalLinks(h.ctx, "", peal.PortalLinkID{}, 1)
		h.must(err)
		h.equal(len(page), 1, "links of everybody")
		page, err = h.store.PortalLinks(h.ctx, "stranger", peal.PortalLinkID{}, 10)
		h.must(err)
		h.equal(len(page), 0, "links of a stranger")
	},
	"a purge deletes those that expired long ago": func(t *testing.T, h *harness) {
		old := h.newLink()
		old.ID = idAt[peal.PortalLinkID](moment().Add(-60*24*time.Hour), 1)
		old.ExpiresAt = moment().Add(-31 * 24 * time.Hour)
		h.must(h.store.CreatePortalLink(h.ctx, old))
		latest := h.link()
		all := func() []peal.PortalLink {
			links, err := h.store.PortalLinks(h.ctx, h.tenant, peal.PortalLinkID{}, 10)
			h.must(err)
			return links
		}
		h.equal(all(), []peal.PortalLink{latest, old}, "links after a new one")
		h.purge(peal.PurgeParams{Ended: old.ExpiresAt})
		h.equal(all(), []peal.PortalLink{latest, old}, "links after a purge of what ended before")
		h.purge(peal.PurgeParams{Ended: old.ExpiresAt.Add(time.Millisecond)})
		h.equal(all(), []peal.PortalLink{latest}, "links that stay")
	},
}
