package api

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

type auditEntryShape struct {
	ID        peal.AuditID `json:"id"`
	At        string       `json:"at" format:"date-time"`
	Tenant    *string      `json:"tenant" doc:"The tenant that was affected; null for the whole server."`
	ActorKind string       `json:"actor_kind" enum:"key,user,portal,first_run,file,anonymous" doc:"How the caller was identified; file for the configuration file, anonymous for an attempt to sign in."`
	ActorID   *string      `json:"actor_id" doc:"The id of the key, the user or the portal link; null where there is none."`
	Actor     string       `json:"actor" doc:"The name of the actor at that time."`
	Action    string       `json:"action" doc:"The action, such as webhook.update."`
	Target    string       `json:"target" doc:"The id or name of the resource; may be empty."`
	Detail    string       `json:"detail" doc:"Details, such as the names of the changed members; may be empty."`
	Address   string       `json:"address" doc:"The caller's IP address."`
	RequestID string       `json:"request_id" doc:"The X-Request-Id of the answer."`
}

func auditOf(e *peal.AuditEntry) auditEntryShape {
	return auditEntryShape{
		ID: e.ID, At: timeText(e.At()), Tenant: textOrNil(e.Tenant), ActorKind: e.ActorKind, ActorID: textOrNil(e.ActorID),
		Actor:  e.Actor,
		Action: e.Action, Target: e.Target, Detail: e.Detail, Address: e.Address, RequestID: e.RequestID,
	}
}

func (q *query) audit(tenant string) peal.AuditQuery {
	query := peal.AuditQuery{Tenant: tenant, Since: q.time("since"), Until: q.time("until")}
	for _, one := range []struct {
		param param
		into  *string
	}{{actorParam, &query.Actor}, {actionParam, &query.Action}, {targetParam, &query.Target}} {
		text, given := q.text(one.param.name)
		if most := *one.param.schema.MaxLength; given && (text == "" || utf8.RuneCountInString(text) > most) {
			q.fault(one.param.name, short(text), "must have 1 to "+strconv.Itoa(most)+" characters")
		}
		*one.into = text
	}
	return query
}

func (a *API) listAudit(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(auditList)
	query := q.audit(c.tenantOrAll())
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if query.Before, err = idOrZero(cursor, peal.ParseAuditID); err != nil {
		return err
	}
	query.Limit = limit + 1
	rows, err := a.Store.Audit(c.context(), query)
	if err != nil {
		return err
	}
	return c.json(200, page(auditList, rows, limit, auditOf, func(e *peal.AuditEntry) string { return e.ID.String() }))
}

// exportPage is the number of entries that an export reads at once.
const exportPage = 1000

// exportAudit writes all entries that match, page by page, so that they need not fit in memory.
// Reading and encoding a page takes a turn of the processor, which ends before the client reads.
func (a *API) exportAudit(c *call) error {
	q := c.query()
	format := q.choice("format", "ndjson", "csv")
	query := q.audit(c.tenantOrAll())
	if err := q.err(); err != nil {
		return err
	}
	leave, err := a.Engine.Share(c.context(), share.Export, query.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	if err := c.turn.Enter(c.context()); err != nil { // Share ends it where it waits
		return err
	}
	query.Limit = exportPage
	entries, err := a.Store.Audit(c.context(), query)
	if err != nil {
		return err
	}
	c.about(c.tenantOrAll(), "")
	if err := c.record(http.StatusOK); err != nil {
		return err
	}
	h, write := c.Header(), writeNDJSON
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Content-Disposition", `attachment; filename="audit-log.ndjson"`)
	if format == "csv" {
		write = writeCSV
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="audit-log.csv"`)
	}
	c.turn.Patient() // the client cannot continue a part of an export
	var text bytes.Buffer
	for first := true; ; first = false {
		text.Reset()
		if err := write(&text, entries, first); err != nil {
			return err
		}
		c.turn.Leave()
		if _, err := c.Write(text.Bytes()); err != nil {
			return nil // the caller has disconnected
		}
		if len(entries) < exportPage {
			return nil
		}
		if c.recheck() != nil || c.turn.Enter(c.context()) != nil {
			panic(http.ErrAbortHandler) // the caller has lost access
		}
		query.Before = entries[len(entries)-1].ID
		if entries, err = a.Store.Audit(c.context(), query); err != nil {
			a.log.Error("the audit log could not be exported to its end", "request_id", c.id, "error", err)
			panic(http.ErrAbortHandler) // a part must not look like the whole
		}
	}
}

func writeNDJSON(w io.Writer, entries []peal.AuditEntry, _ bool) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for i := range entries {
		if err := encoder.Encode(auditOf(&entries[i])); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(w io.Writer, entries []peal.AuditEntry, first bool) error {
	rows := csv.NewWriter(w)
	if first {
		rows.Write([]string{"id", "at", "tenant", "actor_kind", "actor_id", "actor", "action", "target", "detail",
			"address", "request_id"})
	}
	for i := range entries {
		e := &entries[i]
		rows.Write([]string{
			e.ID.String(), timeText(e.At()), e.Tenant, e.ActorKind, e.ActorID, noFormula(e.Actor), e.Action,
			noFormula(e.Target), noFormula(e.Detail), e.Address, noFormula(e.RequestID),
		})
	}
	rows.Flush()
	return rows.Error()
}

// noFormula returns text in a form that a spreadsheet does not run as a formula: callers choose
// names.
func noFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
