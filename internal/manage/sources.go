package manage

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/internal/message"
)

// SourceStore is the part of the store that sources need.
type SourceStore interface {
	CreateSource(ctx context.Context, source peal.Source) (peal.Source, error)
	UpdateSource(ctx context.Context, source peal.Source) (peal.Source, error)
	DeleteSource(ctx context.Context, tenant string, id peal.SourceID) error
	Source(ctx context.Context, tenant string, id peal.SourceID) (peal.Source, error)
}

// Sources creates, changes and deletes the sources of all tenants.
type Sources struct {
	store  SourceStore
	intake Intake
}

// Intake is the part of *[intake.Intake] that sources use.
type Intake interface {
	// Forget clears the cache of sources.
	Forget()
}

var _ Intake = (*intake.Intake)(nil)

// NewSources returns Sources that work on store and intake.
func NewSources(store SourceStore, intake Intake) *Sources {
	return &Sources{store: store, intake: intake}
}

// Create creates a source. Zero fields have defaults: a new ID, Dedup id, Status active. The error
// has code [peal.Invalid] and names the field, or [peal.Conflict] if the name is taken.
func (m *Sources) Create(ctx context.Context, actor Actor, s peal.Source) (peal.Source, error) {
	if s.ID.IsZero() {
		s.ID = peal.NewSourceID()
	}
	complete(&s)
	if err := intake.Check(&s); err != nil {
		return peal.Source{}, err
	}
	saved, err := m.store.CreateSource(ctx, s)
	if err != nil {
		return peal.Source{}, err
	}
	m.intake.Forget()
	actor.record(saved.Tenant, "source.create", saved.ID.String(), "")
	return saved, nil
}

// complete sets the defaults of zero fields.
func complete(s *peal.Source) {
	if s.Dedup == "" {
		s.Dedup = peal.DedupID
	}
	if s.Status == "" {
		s.Status = peal.Active
	}
	s.UpdatedAt = peal.ChangedAt(s.CreatedAt())
	for i := range s.Secrets {
		if s.Secrets[i].CreatedAt.IsZero() {
			s.Secrets[i].CreatedAt = s.UpdatedAt
		}
	}
}

// Change applies change to the latest settings of a source, and repeats that after a conflict until
// ctx ends, so change may be called several times. The source that change gets has its Revision.
// detail describes the change for the audit log.
func (m *Sources) Change(ctx context.Context, actor Actor, tenant string, id peal.SourceID, detail string,
	change func(*peal.Source) error) (peal.Source, error) {
	saved, err := m.change(ctx, tenant, id, change)
	if err == nil {
		actor.record(tenant, "source.update", saved.ID.String(), detail)
	}
	return saved, err
}

func (m *Sources) change(ctx context.Context, tenant string, id peal.SourceID,
	change func(*peal.Source) error) (peal.Source, error) {
	for {
		s, err := m.store.Source(ctx, tenant, id)
		if err != nil {
			return peal.Source{}, err
		}
		before := s
		fault := change(&s)
		if len(s.Secrets) == 1 && peal.IsHiddenSecret(s.Secrets[0].Value) && len(before.Secrets) > 0 {
			s.Secrets = before.Secrets
		}
		if fault != nil && peal.FaultsOf(fault) == nil {
			return peal.Source{}, fault
		}
		complete(&s)
		if err := peal.JoinFaults(fault, intake.Check(&s)); err != nil {
			return peal.Source{}, err
		}
		saved, err := m.store.UpdateSource(ctx, s)
		if err == nil {
			m.intake.Forget()
		}
		if peal.CodeOf(err) != peal.Conflict {
			return saved, err
		}
		if err := ctx.Err(); err != nil {
			return peal.Source{}, err
		}
	}
}

// Delete deletes a source; its events stay. The error has code [peal.NotFound].
func (m *Sources) Delete(ctx context.Context, actor Actor, tenant string, id peal.SourceID) error {
	if err := m.store.DeleteSource(ctx, tenant, id); err != nil {
		return err
	}
	m.intake.Forget()
	actor.record(tenant, "source.delete", id.String(), "")
	return nil
}

// RotateSecret sets a new secret of a source: the key of its signatures, or an Authorization value.
// previous is the time at which the earlier one stops being valid; zero if it has. The error has
// code [peal.Conflict] if the source has no secret.
func (m *Sources) RotateSecret(ctx context.Context, actor Actor, tenant string, id peal.SourceID,
	rotation Rotation) (s peal.Source, secret string, previous time.Time, err error) {
	s, err = m.change(ctx, tenant, id, func(s *peal.Source) error {
		if s.Unverified {
			return peal.Fail(peal.Conflict, message.SourceUnverified)
		}
		if err := rotation.validate(s.Secrets); err != nil {
			return err
		}
		secret = rotation.Secret
		if secret == "" {
			secret = intake.FreshSecret(s.Format)
		}
		s.Secrets, previous = peal.RotateSecrets(s.Secrets, secret, peal.ChangedAt(s.CreatedAt()), rotation.Overlap)
		return nil
	})
	if err != nil {
		return peal.Source{}, "", time.Time{}, err
	}
	actor.record(tenant, "source.rotate_secret", s.ID.String(), "")
	return s, secret, previous, nil
}
