package dashboard

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

type auditPage struct {
	Actor, Action, Target, Range string
	Entries                      []peal.AuditEntry
	Export, Next                 string
}

// auditFilter reads the filter from the address.
func (c *call) auditFilter() (peal.AuditQuery, auditPage, url.Values) {
	v := c.r.URL.Query()
	p := auditPage{Actor: strings.TrimSpace(v.Get("actor")), Action: strings.TrimSpace(v.Get("action")), Target: strings.TrimSpace(v.Get("target"))}
	query := peal.AuditQuery{Tenant: c.reach(), Actor: p.Actor, Action: p.Action, Target: p.Target, Limit: pageRows + 1}
	if length, ok := map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}[v.Get("range")]; ok {
		query.Since, p.Range = c.now.Add(-length), v.Get("range")
	}
	query.Before, _ = peal.ParseAuditID(v.Get("before"))
	filter := url.Values{}
	for name, value := range map[string]string{"actor": p.Actor, "action": p.Action, "target": p.Target, "range": p.Range} {
		if value != "" {
			filter.Set(name, value)
		}
	}
	return query, p, filter
}

// listAudit shows the audit log.
func (d *Dashboard) listAudit(c *call) error {
	query, p, filter := c.auditFilter()
	var err error
	if p.Entries, err = d.Store.Audit(c.ctx(), query); err != nil {
		return err
	}
	p.Export = "/audit/export?" + filter.Encode()
	if len(p.Entries) > pageRows {
		p.Entries = p.Entries[:pageRows]
		filter.Set("before", p.Entries[pageRows-1].ID.String())
		p.Next = "/audit?" + filter.Encode()
	}
	return c.page("audit", c.texts.get("menu.audit"), &p)
}

// exportRows is the number of entries that an export reads at once.
const exportRows = 1000

// exportAudit writes all entries that match the filter as CSV, page by page. Reading and encoding a
// page takes a turn of the processor; nothing holds one while the browser reads.
func (d *Dashboard) exportAudit(c *call) error {
	query, _, _ := c.auditFilter()
	query.Limit, query.Before = exportRows, peal.AuditID{}
	leave, err := d.Engine.Share(c.ctx(), share.Export, query.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	if err := c.turn.Enter(c.ctx()); err != nil { // Share ends it where it waits
		return err
	}
	entries, err := d.Store.Audit(c.ctx(), query)
	if err != nil {
		return err
	}
	if err := c.recordFor(c.reach(), "audit.export", "", ""); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit-log.csv"`)
	c.turn.Patient() // the browser cannot continue a part of an export
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	out.Write([]string{"at", "tenant", "actor_kind", "actor_id", "actor", "action", "target", "detail", "address", "request_id"})
	for {
		for i := range entries {
			e := &entries[i]
			out.Write([]string{e.At().Format(time.RFC3339Nano), cell(e.Tenant), e.ActorKind, e.ActorID, cell(e.Actor), e.Action, cell(e.Target), cell(e.Detail), e.Address, cell(e.RequestID)})
		}
		out.Flush()
		c.turn.Leave()
		if _, err := c.w.Write(text.Bytes()); err != nil || len(entries) < exportRows {
			return nil
		}
		text.Reset()
		if c.recheck() != nil || c.turn.Enter(c.ctx()) != nil {
			panic(http.ErrAbortHandler) // the caller has lost access
		}
		query.Before = entries[len(entries)-1].ID
		if entries, err = d.Store.Audit(c.ctx(), query); err != nil {
			d.log.Error("the audit log could not be exported to its end", "error", err)
			panic(http.ErrAbortHandler) // a part must not look like the whole
		}
	}
}

// cell returns text in a form that a spreadsheet does not run as a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
