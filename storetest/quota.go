package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// creators create one row of a row quota each, and say how it is ended.
func (h *harness) creators() map[peal.Quota]func() (end func() error, err error) {
	hash := func() [32]byte {
		id := peal.NewKeyID()
		return sha256.Sum256(id[:])
	}
	return map[peal.Quota]func() (func() error, error){
		peal.QuotaWebhooks: func() (func() error, error) {
			w := h.newWebhook()
			_, err := h.store.CreateWebhook(h.ctx, w)
			return func() error { return h.store.DeleteWebhook(h.ctx, h.tenant, w.ID) }, err
		},
		peal.QuotaSources: func() (func() error, error) {
			s := peal.Source{ID: peal.NewSourceID(), Tenant: h.tenant, Format: "standard", Status: peal.Active,
				UpdatedAt: moment()}
			s.Name = "s" + strings.ReplaceAll(s.ID.String(), "_", "-")
			_, err := h.store.CreateSource(h.ctx, s)
			return func() error { return h.store.DeleteSource(h.ctx, h.tenant, s.ID) }, err
		},
		peal.QuotaKeys: func() (func() error, error) {
			k := peal.APIKey{ID: peal.NewKeyID(), Tenant: h.tenant, Name: "key", Hash: hash(), Hint: "abcd"}
			return func() error { return h.store.RevokeKey(h.ctx, h.tenant, k.ID, moment()) }, h.store.CreateKey(h.ctx, k)
		},
		peal.QuotaPortalLinks: func() (func() error, error) {
			l := peal.PortalLink{ID: peal.NewPortalLinkID(), Tenant: h.tenant, Name: "link", Hash: hash(),
				ExpiresAt: moment().Add(time.Hour), SessionLife: time.Hour}
			return func() error {
				return h.store.RevokePortalLink(h.ctx, h.tenant, l.ID,
					moment())
			}, h.store.CreatePortalLink(h.ctx, l)
		},
		peal.QuotaUsers: func() (func() error, error) {
			u := peal.User{ID: peal.NewUserID(), Tenant: h.tenant, Role: peal.RoleOwner, UpdatedAt: moment()}
			u.Name = u.ID.String()
			return func() error { return h.store.DeleteUser(h.ctx, h.tenant, u.ID, moment()) }, h.store.CreateUser(h.ctx, u)
		},
		peal.QuotaSessions: func() (func() error, error) {
			s := peal.Session{ID: peal.NewSessionID(), Kind: peal.SessionPortal, Name: "link", Tenant: h.tenant,
				Role: peal.RoleViewer, Hash: hash(), ExpiresAt: moment().Add(time.Hour)}
			return func() error { return h.store.RevokeSession(h.ctx, h.tenant, s.ID, moment()) }, h.store.CreateSession(h.ctx,
				s)
		},
	}
}

// limit sets the tenant's own limits.
func (h *harness) limit(quotas peal.Quotas) {
	h.t.Helper()
	tenant := peal.Tenant{Name: h.tenant, Quotas: quotas, CreatedAt: moment()}
	err := h.store.CreateTenant(h.ctx, tenant)
	if peal.CodeOf(err) == peal.Conflict {
		var stored peal.Tenant
		stored, err = h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		tenant.Revision = stored.Revision
		err = h.store.UpdateTenant(h.ctx, tenant)
	}
	h.must(err)
}

func (h *harness) usage(quota peal.Quota) int64 {
	h.t.Helper()
	usage, err := h.store.Usage(h.ctx, h.tenant, moment())
	h.must(err)
	for _, quota := range peal.RowQuotas() {
		all, countErr := h.store.Count(h.ctx, h.tenant, quota, moment(), 1000)
		if countErr != nil || all != usage[quota] {
			h.t.Errorf("Count(%s) = %d, %v, and Usage counts %d", quota, all, countErr, usage[quota])
		}
		if few, countErr := h.store.Count(h.ctx, h.tenant, quota, moment(), 1); countErr != nil || few != min(all, 1) {
			h.t.Errorf("Count(%s) up to 1 = %d, %v, of %d", quota, few, countErr, all)
		}
	}
	uses, err := h.store.Uses(h.ctx, quota, moment())
	h.must(err)
	mine := int64(0)
	for _, use := range uses {
		if use.Tenant == h.tenant {
			mine += use.Used
		}
	}
	if mine != usage[quota] {
		h.t.Errorf("Uses(%s) has %d of the tenant, and Usage counts %d", quota, mine, usage[quota])
	}
	return usage[quota]
}

var quotaTests = map[string]func(*testing.T, *harness){
	"limits of a tenant come back": func(t *testing.T, h *harness) {
		want := peal.Quotas{peal.QuotaWebhooks: 3, peal.QuotaPendingBytes: 1 << 40, peal.QuotaSources: 0}
		h.limit(want)
		got, err := h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		h.equal(got.Quotas, want, "quotas")
		h.limit(nil)
		got, err = h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		h.equal(got.Quotas, peal.Quotas(nil), "quotas")
	},
	"the edge of each": func(t *testing.T, h *harness) {
		for quota, create := range h.creators() {
			h.limit(peal.Quotas{quota: 3})
			var end func() error
			for range 3 {
				var err error
				end, err = create()
				h.must(err)
			}
			h.equal(h.usage(quota), int64(3), "use of "+string(quota))
			_, err := create()
			h.refused(err, peal.Invalid)
			want := fmt.Sprintf("the quota %s is used up: 3 of 3", quota)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v", quota, err)
			}
			h.must(end()) // what has ended does not count
			h.equal(h.usage(quota), int64(2), "use of "+string(quota))
			_, err = create()
			h.must(err)
			_, err = create()
			h.refused(err, peal.Invalid)
			h.limit(peal.Quotas{quota: 4})
			_, err = create()
			h.must(err)
			h.limit(peal.Quotas{quota: 0})
			_, err = create()
			h.must(err)
		}
	},
	"two at once do not pass the edge": func(t *testing.T, h *harness) {
		for quota, create := range h.creators() {
			h.limit(peal.Quotas{quota: 5})
			var made atomic.Int64
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					_, err := create()
					var known *peal.Error
					switch {
					case err == nil:
						made.Add(1)
					case !errors.As(err, &known) || known.Code != peal.Invalid:
						t.Errorf("%s: %v", quota, err)
					}
				})
			}
			wg.Wait()
			h.equal(made.Load(), int64(5), "created of "+string(quota))
		}
	},
	"a user's oldest session makes room": func(t *testing.T, h *harness) {
		h.limit(peal.Quotas{peal.QuotaSessions: 2})
		user := peal.User{ID: peal.NewUserID(), Name: "u " + h.tenant, Tenant: h.tenant, Role: peal.RoleOwner,
			UpdatedAt: moment()}
		h.must(h.store.CreateUser(h.ctx, user))
		var sessions []peal.Session
		for range 3 {
			s := peal.Session{ID: peal.NewSessionID(), Kind: peal.SessionUser, UserID: user.ID, Name: user.Name,
				Tenant: h.tenant, Role: user.Role, ExpiresAt: moment().Add(time.Hour)}
			s.Hash = sha256.Sum256(s.ID[:])
			h.must(h.store.CreateSession(h.ctx, s))
			sessions = append(sessions, s)
		}
		_, err := h.store.SessionByHash(h.ctx, sessions[0].Hash, moment())
		h.refused(err, peal.NotFound)
		for _, s := range sessions[1:] {
			_, err := h.store.SessionByHash(h.ctx, s.Hash, moment())
			h.must(err)
		}
		h.equal(h.usage(peal.QuotaSessions), int64(2), "sessions")
	},
	"a session that is refused leaves its portal link": func(t *testing.T, h *harness) {
		h.limit(peal.Quotas{peal.QuotaSessions: 1})
		session := func() peal.Session {
			s := peal.Session{ID: peal.NewSessionID(), Kind: peal.SessionPortal}
			s.Hash = sha256.Sum256(s.ID[:])
			return s
		}
		first := session()
		first.Name, first.Tenant, first.Role, first.ExpiresAt = "first", h.tenant, peal.RoleViewer, moment().Add(time.Hour)
		h.must(h.store.CreateSession(h.ctx, first))
		link := peal.PortalLink{
			ID: peal.NewPortalLinkID(), Tenant: h.tenant, Name: "link", ExpiresAt: moment().Add(time.Hour), SessionLife: time.Hour,
		}
		link.Hash = sha256.Sum256(link.ID[:])
		h.must(h.store.CreatePortalLink(h.ctx, link))
		_, err := h.store.RedeemPortalLink(h.ctx, link.Hash, session(), moment())
		h.refused(err, peal.Invalid)
		h.must(h.store.RevokeSession(h.ctx, h.tenant, first.ID, moment()))
		_, err = h.store.RedeemPortalLink(h.ctx, link.Hash, session(), moment())
		h.must(err)
	},
	"what is pending": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		event := h.newEvent()
		event.Data = []byte(`"` + strings.Repeat("x", 98) + `"`)
		deliveries := append(deliveriesTo(true, a), deliveriesTo(false, a, b)...)
		h.insert(peal.Insertion{Event: event, Deliveries: deliveries})
		use := func(most int64) [2]int64 {
			n, bytes, err := h.store.PendingUsage(h.ctx, h.tenant, most)
			h.must(err)
			return [2]int64{n, bytes}
		}
		h.equal(use(10), [2]int64{3, 300}, "pending")
		h.equal(use(2), [2]int64{2, 200}, "pending, of two")
		h.settle(deliveries[0].ID, peal.Success)
		h.equal(use(10), [2]int64{2, 200}, "pending")
		n, bytes, err := h.store.PendingUsage(h.ctx, "nobody", 10)
		h.must(err)
		h.equal([2]int64{n, bytes}, [2]int64{}, "of an unknown tenant")
	},
}
