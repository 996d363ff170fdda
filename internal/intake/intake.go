// Package intake takes the webhooks that other systems send: it finds their
// source, verifies each request as the source's format says, reads it back into an
// event and publishes that. What is not verified is counted and not kept.
package intake

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

// Publisher takes events; *[dispatch.Engine] is one.
type Publisher interface {
	Publish(ctx context.Context, tenant string, events ...peal.Event) ([]dispatch.Published, error)
}

var _ Publisher = (*dispatch.Engine)(nil)

// Intake takes requests to sources. Make one with [New]; it is safe for concurrent use.
type Intake struct {
	store     peal.SourceStore
	publisher Publisher
	log       *slog.Logger
	known     cache
	counts    counters
}

// New makes an intake. log may be nil.
func New(store peal.SourceStore, publisher Publisher, log *slog.Logger) *Intake {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Intake{store: store, publisher: publisher, log: log, counts: counters{pending: map[peal.SourceID]peal.SourceCounts{}}}
}

// Source finds a source by its id, or by its name in a tenant. A source that takes
// anybody's requests is found by its id only, which nobody guesses. The error has
// code [peal.NotFound]. What another node has changed shows after a second.
func (in *Intake) Source(ctx context.Context, tenant, name string) (peal.Source, error) {
	id, err := peal.ParseSourceID(name)
	byID := err == nil
	place := place{tenant, name}
	if byID {
		place.tenant = ""
	} else if peal.ValidateSourceName(name) != nil || peal.ValidateTenant(tenant) != nil {
		return peal.Source{}, peal.Errorf(peal.NotFound, "there is no such source")
	}
	source, err := in.known.get(place, func() (peal.Source, error) {
		if byID {
			return in.store.Source(ctx, "", id)
		}
		return in.store.SourceByName(ctx, tenant, name)
	})
	if err == nil && source.Unverified && !byID {
		return peal.Source{}, peal.Errorf(peal.NotFound, "there is no such source")
	}
	return source, err
}

// Forget drops what is remembered of sources. Call it after a change to one.
func (in *Intake) Forget() { in.known.forget() }

// Receive takes a request to a source: its headers and its body as they came. The
// body belongs to the event from then on.
//
// Errors are a *[wire.VerifyError] when the request is not verified, and
// *[peal.Error] of code [peal.Forbidden] when the source is disabled,
// [peal.Invalid] or [peal.TooLarge] when no event can be made of it, and else those
// of the publisher. All but the publisher's own troubles count as refused.
func (in *Intake) Receive(ctx context.Context, source *peal.Source, header http.Header, body []byte) (dispatch.Published, error) {
	event, err := in.read(source, header, body)
	if err != nil {
		in.Refuse(source, err)
		return dispatch.Published{}, err
	}
	published, err := in.publisher.Publish(ctx, source.Tenant, event)
	if err != nil {
		switch peal.CodeOf(err) {
		case peal.Invalid, peal.TooLarge, peal.Conflict, peal.Forbidden:
			in.Refuse(source, err)
		}
		return dispatch.Published{}, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	if published[0].Duplicate {
		in.counts.add(source.ID, peal.SourceCounts{Duplicate: 1, AcceptedAt: now})
	} else {
		in.counts.add(source.ID, peal.SourceCounts{Accepted: 1, AcceptedAt: now})
	}
	return published[0], nil
}

// read verifies a request and makes the event of it.
func (in *Intake) read(source *peal.Source, header http.Header, body []byte) (peal.Event, error) {
	format, ok := wire.Lookup(source.Format)
	if !ok || format.Decode == nil || format.Verify == nil && !source.Unverified {
		return peal.Event{}, peal.Errorf(peal.Internal, "the source's format %s cannot be read by this version", source.Format)
	}
	if !source.Unverified {
		now := time.Now()
		options := wire.DefaultVerifyOptions()
		options.Now = now
		if err := format.Verify(header, body, source.ActiveSecrets(now), options); err != nil {
			return peal.Event{}, err
		}
	}
	if source.Status != peal.Active {
		return peal.Event{}, peal.Errorf(peal.Forbidden, "the source is disabled")
	}
	event, err := format.Decode(header, body)
	if err != nil {
		return peal.Event{}, err
	}
	event.ID = eventID(source, &event, body)
	return event, nil
}

// maxRefusal is how much is kept of why a request was refused, in bytes.
const maxRefusal = 300

// Refuse counts a request that was refused for a reason.
func (in *Intake) Refuse(source *peal.Source, reason error) {
	text := reason.Error()
	var unverified *wire.VerifyError
	if errors.As(reason, &unverified) {
		text = unverified.Message
	}
	if len(text) > maxRefusal {
		text = text[:maxRefusal]
	}
	// Part of it may be the sender's, and not every database keeps every character.
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
	in.counts.add(source.ID, peal.SourceCounts{Refused: 1, RefusedAt: time.Now().UTC().Truncate(time.Microsecond), Refusal: text})
}
