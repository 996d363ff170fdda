package api

import "github.com/pealhq/peal"

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
	source := peal.Source{Tenant: c.tenant, Name: in.Name.Value}
	settings := sourceInput{in.Format, in.Secret, in.Unverified, in.Dedup, in.Description, in.Status}
	settings.apply(&source)
	saved, err := a.sources.Create(c.context(), c.actor(), source)
	if peal.CodeOf(err) == peal.Conflict {
		return refuse(conflict, "there is a source of this name already")
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
	a.count(c)
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
