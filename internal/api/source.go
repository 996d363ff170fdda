package api

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/intake"
)

// count writes what this node has counted, so that it shows.
func (a *API) count(c *call) {
	if err := a.Intake.Flush(c.context()); err != nil && c.context().Err() == nil {
		a.log.Warn("cannot write the counts of sources; older ones are shown", "request_id", c.id, "error", err)
	}
}

func (a *API) listSources(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(sourceList)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParseSourceID)
	if err != nil {
		return err
	}
	a.count(c)
	rows, err := a.Store.Sources(c.context(), c.tenant, before, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(sourceList, rows, limit, sourceOf, func(s *peal.Source) string { return s.ID.String() }))
}

func (a *API) getSource(c *call) error {
	a.count(c)
	source, err := a.source(c)
	if err != nil {
		return err
	}
	return c.json(200, sourceOf(&source))
}

// mayLetPublish keeps a key from giving others what it may not do itself.
func (c *call) mayLetPublish() error {
	if !c.caller.Can(publish) {
		return refuse(forbidden, "the scope publish is lacking, which a source needs: what it takes is published")
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
		missing = append(missing, fault{Location: "body.name", Message: "is missing: name the system that sends, such as tasks"})
	}
	if !in.Format.Given {
		missing = append(missing, fault{Location: "body.format", Message: "is missing: say how the system that sends writes, such as vikunja or standard"})
	}
	if missing != nil {
		return missing
	}
	source := peal.Source{
		ID: peal.NewSourceID(), Tenant: c.tenant, Name: in.Name.Value, Dedup: peal.DedupID, Status: peal.Active, UpdatedAt: now(),
	}
	settings := sourceInput{in.Format, in.Secret, in.Unverified, in.Dedup, in.Description, in.Status}
	settings.apply(&source)
	if err := intake.Check(&source); err != nil {
		return err
	}
	saved, err := a.Store.CreateSource(c.context(), source)
	if peal.CodeOf(err) == peal.Conflict {
		return refuse(conflict, "there is a source of this name already")
	}
	if err != nil {
		return err
	}
	a.Intake.Forget()
	c.Header().Set("Location", "/v1/sources/"+saved.ID.String())
	c.about(saved.Tenant, saved.ID.String())
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
	saved, err := a.changeSource(c, func(s *peal.Source) error {
		in.apply(s)
		return nil
	})
	if err != nil {
		return err
	}
	return c.json(200, sourceOf(&saved))
}

// changeSource reads the source that the path names, changes it and saves it, again
// when somebody else changed it meanwhile.
func (a *API) changeSource(c *call, change func(*peal.Source) error) (peal.Source, error) {
	a.count(c)
	for tries := 1; ; tries++ {
		source, err := a.source(c)
		if err != nil {
			return peal.Source{}, err
		}
		if err := change(&source); err != nil {
			return peal.Source{}, err
		}
		source.UpdatedAt = now()
		if err := intake.Check(&source); err != nil {
			return peal.Source{}, err
		}
		saved, err := a.Store.UpdateSource(c.context(), source)
		switch {
		case peal.CodeOf(err) == peal.Conflict && tries < maxConflicts:
			continue
		case peal.CodeOf(err) == peal.NotFound: // deleted meanwhile
			return peal.Source{}, missing("source")
		case err == nil:
			a.Intake.Forget()
		}
		return saved, err
	}
}

func (a *API) deleteSource(c *call) error {
	id, err := pathID(c, peal.ParseSourceID, "source")
	if err != nil {
		return err
	}
	if err := a.Store.DeleteSource(c.context(), c.tenant, id); err != nil {
		return orMissing(err, "source")
	}
	a.Intake.Forget()
	return c.empty()
}

func (a *API) rotateSourceSecret(c *call) error {
	if err := c.mayLetPublish(); err != nil {
		return err
	}
	var in rotateInput
	overlap, err := c.readRotation(&in)
	if err != nil {
		return err
	}
	var secret string
	var previous time.Time
	_, err = a.changeSource(c, func(s *peal.Source) error {
		if s.Unverified {
			return refuse(conflict, "the source takes unverified requests, so there is no secret to rotate")
		}
		if secret, err = in.secretFor(s); err != nil {
			return err
		}
		s.Secrets, previous = peal.RotateSecrets(s.Secrets, secret, now(), overlap)
		return nil
	})
	if err != nil {
		return err
	}
	return c.json(200, rotatedShape{secret, timeOrNil(previous)})
}

// secretFor gives the secret that the caller chose, or makes one: what the format
// signs with, or an Authorization value.
func (in *rotateInput) secretFor(s *peal.Source) (string, error) {
	if in.Secret.Given {
		return in.Secret.Value, in.check(s.Secrets)
	}
	return intake.FreshSecret(s.Format), nil
}
