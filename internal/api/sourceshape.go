package api

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

// SourceShape is a source as callers see it.
type SourceShape struct {
	ID          peal.SourceID     `json:"id" example:"source_01h455vb4pex5vsknk084sn02q"`
	Tenant      string            `json:"tenant"`
	Name        string            `json:"name"`
	Paths       []string          `json:"paths" nullable:"false" doc:"Where its sender sends to, on this server."`
	Format      string            `json:"format"`
	Secret      *string           `json:"secret" doc:"[set] when requests are verified with one, which is never shown; null otherwise."`
	Unverified  bool              `json:"unverified" doc:"Whether it takes requests from anybody who knows its id."`
	Dedup       string            `json:"dedup" enum:"id,body"`
	Description string            `json:"description"`
	Status      string            `json:"status" enum:"active,disabled"`
	Counts      sourceCountsShape `json:"counts"`
	CreatedAt   string            `json:"created_at" format:"date-time"`
	UpdatedAt   string            `json:"updated_at" format:"date-time"`
}

type sourceCountsShape struct {
	Accepted       int64   `json:"accepted" doc:"Requests that became events."`
	Duplicate      int64   `json:"duplicate" doc:"Requests that repeated one."`
	Refused        int64   `json:"refused" doc:"Requests that were not verified or could not be read. Nothing is kept of them but this."`
	LastAcceptedAt *string `json:"last_accepted_at" format:"date-time"`
	LastRefusedAt  *string `json:"last_refused_at" format:"date-time"`
	LastRefusal    *string `json:"last_refusal" doc:"Why the last one was refused."`
}

// sourceInput is what a caller changes of a source; absent keeps, null takes the default.
type sourceInput struct {
	Format      given[string]    `json:"format,omitempty" format:"source-format" doc:"How its sender writes and signs, such as vikunja or standard."`
	Secret      optional[string] `json:"secret,omitempty" minLength:"1" maxLength:"4096" writeOnly:"true" doc:"What the sender signs with or, where the format does not sign, the Authorization value that it sends, as a whole. Never shown again; \"[set]\" keeps the one there is. Setting it ends the earlier ones at once; rotate keeps them for an overlap."`
	Unverified  given[bool]      `json:"unverified,omitempty" doc:"true takes requests from anybody who knows the source's id; then there is no secret."`
	Dedup       optional[string] `json:"dedup,omitempty" enum:"id,body" doc:"What makes a request a repeat: the sender's own id (id, the default) or the whole body (body)."`
	Description optional[string] `json:"description,omitempty" maxLength:"4096" doc:"What people call it."`
	Status      optional[string] `json:"status,omitempty" enum:"active,disabled" doc:"disabled: every request is refused."`
}

// sourceCreateInput has the members of sourceInput and the name, which never changes.
type sourceCreateInput struct {
	Name        given[string]    `json:"name" format:"source-name" doc:"Unique in the tenant; the ids of its events begin with it. It never changes."`
	Format      given[string]    `json:"format" format:"source-format" doc:"How its sender writes and signs, such as vikunja or standard."`
	Secret      optional[string] `json:"secret,omitempty" minLength:"1" maxLength:"4096" writeOnly:"true" doc:"What the sender signs with or, where the format does not sign, the Authorization value that it sends, as a whole. Needed unless unverified is true; never shown again."`
	Unverified  given[bool]      `json:"unverified,omitempty" doc:"true takes requests from anybody who knows the source's id; then there is no secret."`
	Dedup       optional[string] `json:"dedup,omitempty" enum:"id,body" doc:"What makes a request a repeat: the sender's own id (id, the default) or the whole body (body)."`
	Description optional[string] `json:"description,omitempty" maxLength:"4096" doc:"What people call it."`
	Status      optional[string] `json:"status,omitempty" enum:"active,disabled" doc:"disabled: every request is refused."`
}

// receiptShape is what a sender learns: nothing of who gets the event.
type receiptShape struct {
	ID        string `json:"id" doc:"The event's id."`
	Type      string `json:"type" doc:"The event's type."`
	Duplicate bool   `json:"duplicate" doc:"Whether it was accepted before."`
}

// anyBody stands for a body that is as its sender has it.
type anyBody json.RawMessage

// Schema is anything.
func (anyBody) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "As the source's format has it."}
}

// secretSet stands for a secret, which is never shown.
const secretSet = authorizationSet

func sourceOf(s *peal.Source) SourceShape {
	shape := SourceShape{
		ID: s.ID, Tenant: s.Tenant, Name: s.Name, Paths: sourcePaths(s), Format: s.Format, Unverified: s.Unverified, Dedup: string(s.Dedup),
		Description: s.Description, Status: string(s.Status), CreatedAt: timeText(s.CreatedAt()), UpdatedAt: timeText(s.UpdatedAt),
		Counts: sourceCountsShape{
			Accepted: s.Counts.Accepted, Duplicate: s.Counts.Duplicate, Refused: s.Counts.Refused,
			LastAcceptedAt: timeOrNil(s.Counts.AcceptedAt), LastRefusedAt: timeOrNil(s.Counts.RefusedAt), LastRefusal: textOrNil(s.Counts.Refusal),
		},
	}
	if len(s.Secrets) > 0 {
		shape.Secret = ptr(secretSet)
	}
	return shape
}

// sourcePaths gives where requests to a source go.
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

// apply puts what is given on a source. The checks of the values come afterwards.
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
