package api

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	managing "github.com/pealhq/peal/internal/manage"
)

// flushCounts writes the counts of this node, so that the answer includes them.
func (a *API) flushCounts(c *call) {
	if err := a.Intake.Flush(c.context()); err != nil && c.context().Err() == nil {
		a.log.Warn("cannot write the counts of sources; older ones are shown", "request_id", c.id, "error", err)
	}
}

func (a *API) listSources(c *call) error {
	q := c.query()
	query, kind := list(q, orderedKinds{sourceList, oldSourceList, namedSourceList}, peal.ParseSourceID)
	if err := q.err(); err != nil {
		return err
	}
	a.flushCounts(c)
	query.Tenant = c.tenant
	rows, next, err := managing.FindSources(c.context(), a.Store, a.Engine, query)
	if err != nil {
		return err
	}
	return c.json(200, found(kind, rows, next, sourceOf))
}

func (a *API) getSource(c *call) error {
	a.flushCounts(c)
	source, err := a.source(c)
	if err != nil {
		return err
	}
	return c.json(200, sourceOf(&source))
}

// mayLetPublish refuses a caller who may not publish: a source would publish for it.
func (c *call) mayLetPublish() error {
	if !c.caller.Can(publish) {
		return refuse(forbidden, "the key lacks the scope publish, which a source needs because it publishes what it receives")
	}
	return c.mayPublish()
}

func (a *API) createSource(c *call) error {
	if err := c.mayLetPublish(); err != nil {
		return err
	}
	var in sourceCreateInput
	if err := c.read(&in); err != nil {
		return err
	}
	var missing faults
	if !in.Name.Given {
		missing = append(missing, fault{Location: "body.name", Message: "is missing; name the system that sends, such as tasks"})
	}
	if !in.Format.Given {
		missing = append(missing, fault{Location: "body.format", Message: "is missing; choose the format of the system that sends, such as vikunja or standard"})
	}
	if missing != nil {
		return missing
	}
	source := peal.Source{Tenant: c.tenant, Name: in.Name.Value}
	settings := sourceInput{in.Format, in.Secret, in.Unverified, in.Dedup, in.Description, in.Status}
	settings.apply(&source)
	saved, err := a.sources.Create(c.context(), c.actor(), source)
	if peal.CodeOf(err) == peal.Conflict {
		return refuse(conflict, "a source with this name already exists")
	}
	if err != nil {
		return err
	}
	c.Header().Set("Location", "/v1/sources/"+saved.ID.String())
	return c.json(201, sourceOf(&saved))
}

func (a *API) updateSource(c *call) error {
	if err := c.mayLetPublish(); err != nil {
		return err
	}
	var in sourceInput
	if err := c.read(&in); err != nil {
		return err
	}
	id, err := pathID(c, peal.ParseSourceID, "source")
	if err != nil {
		return err
	}
	a.flushCounts(c)
	saved, err := a.sources.Change(c.context(), c.actor(), c.tenant, id, c.audit.detail, func(s *peal.Source) error {
		in.apply(s)
		return nil
	})
	if err != nil {
		return orMissing(err, "source")
	}
	return c.json(200, sourceOf(&saved))
}

func (a *API) deleteSource(c *call) error {
	id, err := pathID(c, peal.ParseSourceID, "source")
	if err != nil {
		return err
	}
	if err := a.sources.Delete(c.context(), c.actor(), c.tenant, id); err != nil {
		return orMissing(err, "source")
	}
	return c.empty()
}

func (a *API) rotateSourceSecret(c *call) error {
	if err := c.mayLetPublish(); err != nil {
		return err
	}
	rotation, err := c.readRotation()
	if err != nil {
		return err
	}
	id, err := pathID(c, peal.ParseSourceID, "source")
	if err != nil {
		return err
	}
	_, secret, previous, err := a.sources.RotateSecret(c.context(), c.actor(), c.tenant, id, rotation)
	if err != nil {
		return orMissing(err, "source")
	}
	return c.json(200, rotationShape{secret, timeOrNil(previous)})
}

// SourceShape is a source as callers see it.
type SourceShape struct {
	ID          peal.SourceID     `json:"id" example:"source_01h455vb4pex5vsknk084sn02q"`
	Tenant      string            `json:"tenant"`
	Name        string            `json:"name"`
	Paths       []string          `json:"paths" nullable:"false" doc:"The paths to which its sender sends, on this server."`
	Format      string            `json:"format"`
	Secret      *string           `json:"secret" doc:"[set] if requests are verified with a secret, which is never shown; null otherwise."`
	Unverified  bool              `json:"unverified" doc:"Whether it accepts requests from anybody who knows its id."`
	Dedup       string            `json:"dedup" enum:"id,body"`
	Description string            `json:"description"`
	Status      string            `json:"status" enum:"active,disabled"`
	Counts      sourceCountsShape `json:"counts"`
	CreatedAt   string            `json:"created_at" format:"date-time"`
	UpdatedAt   string            `json:"updated_at" format:"date-time"`
}

type sourceCountsShape struct {
	Accepted       int64   `json:"accepted" doc:"Requests that became events."`
	Duplicate      int64   `json:"duplicate" doc:"Requests that were repeats."`
	Refused        int64   `json:"refused" doc:"Requests that were not verified or could not be read. Only their number is kept."`
	LastAcceptedAt *string `json:"last_accepted_at" format:"date-time"`
	LastRefusedAt  *string `json:"last_refused_at" format:"date-time"`
	LastRefusal    *string `json:"last_refusal" doc:"Why the last one was refused."`
}

// sourceInput has the settings of a source: absent members keep their value, null restores the
// default.
type sourceInput struct {
	Format      given[string]    `json:"format,omitempty" format:"source-format" doc:"How its sender writes and signs, such as vikunja or standard."`
	Secret      optional[string] `json:"secret,omitempty" minLength:"1" maxLength:"4096" writeOnly:"true" doc:"What the sender signs with or, where the format does not sign, the Authorization value that it sends, as a whole. Never shown again; \"[set]\" keeps the current one. Setting it ends the earlier ones at once; rotate keeps them for an overlap."`
	Unverified  given[bool]      `json:"unverified,omitempty" doc:"true takes requests from anybody who knows the source's id; then there is no secret."`
	Dedup       optional[string] `json:"dedup,omitempty" enum:"id,body" doc:"What identifies repeats of a request: the sender's own id (id, the default) or the whole body (body)."`
	Description optional[string] `json:"description,omitempty" maxLength:"4096" doc:"What people call it."`
	Status      optional[string] `json:"status,omitempty" enum:"active,disabled" doc:"disabled: every request is refused."`
}

// sourceCreateInput has the members of sourceInput and the name, which cannot be changed.
type sourceCreateInput struct {
	Name        given[string]    `json:"name" format:"source-name" doc:"Unique in the tenant; the ids of its events start with it. It cannot be changed."`
	Format      given[string]    `json:"format" format:"source-format" doc:"How its sender writes and signs, such as vikunja or standard."`
	Secret      optional[string] `json:"secret,omitempty" minLength:"1" maxLength:"4096" writeOnly:"true" doc:"What the sender signs with or, where the format does not sign, the Authorization value that it sends, as a whole. Required unless unverified is true; never shown again."`
	Unverified  given[bool]      `json:"unverified,omitempty" doc:"true takes requests from anybody who knows the source's id; then there is no secret."`
	Dedup       optional[string] `json:"dedup,omitempty" enum:"id,body" doc:"What identifies repeats of a request: the sender's own id (id, the default) or the whole body (body)."`
	Description optional[string] `json:"description,omitempty" maxLength:"4096" doc:"What people call it."`
	Status      optional[string] `json:"status,omitempty" enum:"active,disabled" doc:"disabled: every request is refused."`
}

// receiptShape is the answer to a sender, without the webhooks that get the event.
type receiptShape struct {
	ID        string `json:"id" doc:"The event's id."`
	Type      string `json:"type" doc:"The event's type."`
	Duplicate bool   `json:"duplicate" doc:"Whether it was accepted before."`
}

// anyBody is a body in the sender's format.
type anyBody json.RawMessage

// Schema allows anything.
func (anyBody) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "In the format of the source."}
}

func sourceOf(s *peal.Source) SourceShape {
	shape := SourceShape{
		ID: s.ID, Tenant: s.Tenant, Name: s.Name, Paths: sourcePaths(s), Format: s.Format, Unverified: s.Unverified,
		Dedup:       string(s.Dedup),
		Description: s.Description, Status: string(s.Status), CreatedAt: timeText(s.CreatedAt()),
		UpdatedAt: timeText(s.UpdatedAt),
		Counts: sourceCountsShape{
			Accepted: s.Counts.Accepted, Duplicate: s.Counts.Duplicate, Refused: s.Counts.Refused,
			LastAcceptedAt: timeOrNil(s.Counts.AcceptedAt), LastRefusedAt: timeOrNil(s.Counts.RefusedAt),
			LastRefusal: textOrNil(s.Counts.Refusal),
		},
	}
	if len(s.Secrets) > 0 {
		shape.Secret = ptr(secretSet)
	}
	return shape
}

// sourcePaths returns the paths of a source.
func sourcePaths(s *peal.Source) []string {
	paths := []string{"/in/" + s.ID.String()}
	switch {
	case s.Unverified:
		return paths
	case s.Tenant == peal.DefaultTenant:
		paths = append(paths, "/in/"+s.Name)
	}
	return append(paths, "/in/"+s.Tenant+"/"+s.Name)
}

// apply sets the given members on s. The values are checked later.
func (in *sourceInput) apply(s *peal.Source) {
	s.Format = in.Format.or(s.Format)
	if in.Secret.Given {
		s.Secrets = nil
		if in.Secret.Value != nil {
			s.Secrets = []peal.Secret{{Value: *in.Secret.Value}}
		}
	}
	s.Unverified = in.Unverified.or(s.Unverified)
	if in.Dedup.Given {
		s.Dedup = peal.DedupID
		if in.Dedup.Value != nil {
			s.Dedup = peal.SourceDedup(*in.Dedup.Value)
		}
	}
	set(&s.Description, &in.Description)
	if in.Status.Given {
		s.Status = peal.Active
		if in.Status.Value != nil {
			s.Status = peal.WebhookStatus(*in.Status.Value)
		}
	}
}
