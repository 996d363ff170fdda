package dashboard

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/internal/processor"
)

// call is one request for a page.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	d      *Dashboard
	who    identity.Principal
	tenant string // the tenant of the page
	base   string // the start of the addresses of its pages
	texts  *texts
	zone   *time.Location // of the times on the page
	chosen bool           // whether a person chose the zone
	portal *portal        // nil for the dashboard
	need   identity.Action
	of     peal.PortalPart // the part of the page; "" for none
	now    time.Time
	turn   *processor.Turn // of the processor
}

func (c *call) ctx() context.Context { return c.r.Context() }

// byScript reports whether htmx sent the request, which has its own header for redirects.
func (c *call) byScript() bool { return c.r.Header.Get("HX-Request") == "true" }

// isForm reports whether htmx sent a form; it shows the answer in place of the page.
func (c *call) isForm() bool { return c.byScript() && c.r.Header.Get("HX-Boosted") == "true" }

// isPart reports whether htmx requests a part of a page.
func (c *call) isPart() bool { return c.byScript() && !c.isForm() }

// serve returns the handler of a route, which checks the caller first.
func (d *Dashboard) serve(rt route) http.HandlerFunc {
	part := partOf(rt.path)
	return func(w http.ResponseWriter, r *http.Request) {
		who, _ := identity.FromContext(r.Context())
		front.NoteCaller(r.Context(), string(who.Kind), who.ID)
		c := &call{w: w, r: r, d: d, who: who, now: d.Now().UTC(), portal: portalOf(r)}
		c.texts = d.pages.language(r, c.wishedLanguage())
		c.zone, c.chosen = zoneOf(r)
		c.need, c.of = rt.need, part
		var err error
		if c.tenant, err = c.addressedTenant(); err == nil {
			c.base = c.ownBase(c.tenant)
			err = c.mayUse()
		} else {
			c.tenant = c.rememberedTenant()
			c.base = c.ownBase(c.tenant)
		}
		if err != nil {
			c.fail(err)
			return
		}
		check := *c
		guarded, stop := identity.Guard(w, r, check.stillAdmitted)
		defer stop()
		c.turn = processor.Shared.Turn(c.holder())
		defer c.turn.Leave()
		c.r = guarded.WithContext(processor.With(guarded.Context(), c.turn))
		account := c.openAccount()
		defer account.Close()
		if err = c.takeForm(&account); err == nil {
			err = c.turn.Enter(c.ctx())
		}
		if err == nil {
			err = rt.handle(c)
		}
		if err != nil {
			c.fail(err)
		}
	}
}

// holder returns the account for the caller's processor time: its tenant, or nobody for operators.
func (c *call) holder() processor.Holder {
	if c.who.IsOperator() {
		return processor.Holder{}
	}
	return processor.Tenant(c.who.Tenant)
}

// redirect redirects the browser after an action.
func (c *call) redirect(path string) error {
	lead(c.w, c.r, c.base+path)
	return nil
}

// lead redirects a browser to another page. For htmx it uses a header, because htmx would insert
// the target of a redirect into the current page.
func lead(w http.ResponseWriter, r *http.Request, path string) {
	if r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Redirect", path)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// record adds an action to the audit log.
func (c *call) record(action, target, detail string) error {
	return c.d.identity.Record(c.r, c.who, identity.Entry{Tenant: c.tenant, Action: action, Target: target, Detail: detail})
}

// errChanged reports that the stored values of a form have changed since it was shown.
var errChanged = errors.New("changed meanwhile")

// actor returns the caller as package manage needs it, for a change. about is the detail for the
// audit log if the change has none.
func (c *call) actor(about string) manage.Actor {
	return manage.Actor{
		Operator: c.who.IsOperator(), Tenant: c.tenant, Reveal: c.who.Can(identity.Reveal), Scopes: c.who.GrantableScopes(),
		Record: func(e manage.Entry) error {
			if e.Detail == "" {
				e.Detail = about
			}
			return c.d.identity.Record(c.r, c.who, identity.Entry(e))
		},
	}
}

// notice returns the report of the last action, chosen by the parameter done of the address. Text
// from an address never appears on a page.
func (c *call) notice() string {
	done := c.r.URL.Query().Get("done")
	if done == "" || strings.Contains(done, ".") || !c.texts.has("done."+done) {
		return ""
	}
	return c.texts.get("done." + done)
}
