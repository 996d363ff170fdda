// Package intake receives webhooks from other systems. It finds the source of a request, verifies
// the request and decodes it by the source's format, and publishes the event. Requests that fail
// verification are counted and discarded.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// Store is the part of a store that the intake needs.
type Store interface {
	Source(ctx context.Context, tenant string, id peal.SourceID) (peal.Source, error)
	SourceByName(ctx context.Context, tenant, name string) (peal.Source, error)
	AddSourceCounts(ctx context.Context, counts map[peal.SourceID]peal.SourceCounts) error
}

// Publisher publishes events; *[dispatch.Engine] implements it.
type Publisher interface {
	Publish(ctx context.Context, tenant string, events ...peal.Event) ([]dispatch.Published, error)
}

var _ Publisher = (*dispatch.Engine)(nil)

// Intake receives requests to sources. It is created by [New] and safe for concurrent use.
type Intake struct {
	store     Store
	publisher Publisher
	log       *slog.Logger
	known     cache
	counts    counters
}

// New creates an intake. log may be nil.
func New(store Store, publisher Publisher, log *slog.Logger) *Intake {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Intake{store: store, publisher: publisher, log: log,
		counts: counters{pending: map[peal.SourceID]peal.SourceCounts{}}}
}

// Source returns a source by its ID, or by its name in a tenant. A source without verification is
// found only by its ID, which cannot be guessed. The error has code [peal.NotFound]. Changes made
// on another node take effect after a second.
func (in *Intake) Source(ctx context.Context, tenant, name string) (peal.Source, error) {
	id, err := peal.ParseSourceID(name)
	byID := err == nil
	place := address{tenant, name}
	if byID {
		place.tenant = ""
	} else if peal.ValidateSourceName(name) != nil || peal.ValidateTenant(tenant) != nil {
		return peal.Source{}, peal.Fail(peal.NotFound, message.NoSource)
	}
	source, err := in.known.get(place, func() (peal.Source, error) {
		if byID {
			return in.store.Source(ctx, "", id)
		}
		return in.store.SourceByName(ctx, tenant, name)
	})
	if err == nil && source.Unverified && !byID {
		return peal.Source{}, peal.Fail(peal.NotFound, message.NoSource)
	}
	return source, err
}

// Forget clears the cache of sources. It must be called after a change to a source.
func (in *Intake) Forget() { in.known.clear() }

// Receive processes a request to a source, with its original headers and body. The event takes
// ownership of the body.
//
// The error is a *[wire.VerifyError] if verification fails, a *[peal.Error] with code
// [peal.Forbidden] if the source is disabled, or with [peal.Invalid] or [peal.TooLarge] if the
// request is not a valid event, and else the publisher's error. All errors except failures of the
// publisher count as refusals.
func (in *Intake) Receive(ctx context.Context, source *peal.Source, header http.Header,
	body []byte) (dispatch.Published, error) {
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

// read verifies a request and decodes its event.
func (in *Intake) read(source *peal.Source, header http.Header, body []byte) (peal.Event, error) {
	format, ok := wire.Lookup(source.Format)
	if !ok || format.Decode == nil || format.Verify == nil && !source.Unverified {
		return peal.Event{}, peal.Errorf(peal.Internal, "the source's format %s cannot be read by this version",
			source.Format)
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

// maxRefusal is the maximum length of a recorded reason for a refusal, in bytes.
const maxRefusal = 300

// Refuse counts a refused request and records the reason.
func (in *Intake) Refuse(source *peal.Source, reason error) {
	text := reason.Error()
	var unverified *wire.VerifyError
	if errors.As(reason, &unverified) {
		text = unverified.Message
	}
	if len(text) > maxRefusal {
		text = text[:maxRefusal]
	}
	// The sender may have written a part of it, and not every database accepts every character.
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
	in.counts.add(source.ID, peal.SourceCounts{Refused: 1, RefusedAt: time.Now().UTC().Truncate(time.Microsecond),
		Refusal: text})
}

const (
	// flushEvery is the interval for writing counts to the store. A crash can lose the counts of
	// one interval.
	flushEvery = 3 * time.Second
	// lastFlush bounds the last flush.
	lastFlush = 5 * time.Second
)

// counters accumulates counts of requests, so that a refused request needs no write.
type counters struct {
	flushing sync.Mutex // serializes flushes; a waiting caller sees the result of the previous flush
	mu       sync.Mutex
	pending  map[peal.SourceID]peal.SourceCounts
}

func (c *counters) add(id peal.SourceID, more peal.SourceCounts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.pending[id]
	sum.Add(more)
	c.pending[id] = sum
}

// take returns and clears the pending counts.
func (c *counters) take() map[peal.SourceID]peal.SourceCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = make(map[peal.SourceID]peal.SourceCounts)
	return taken
}

// Flush writes the counts of this node. On an error it keeps them for the next flush.
func (in *Intake) Flush(ctx context.Context) error {
	in.counts.flushing.Lock()
	defer in.counts.flushing.Unlock()
	counts := in.counts.take()
	if len(counts) == 0 {
		return nil
	}
	err := in.store.AddSourceCounts(ctx, counts)
	if err != nil {
		for id, more := range counts {
			in.counts.add(id, more)
		}
	}
	return err
}

// Run flushes the counts every few seconds until ctx ends, and once more at the end.
func (in *Intake) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := in.Flush(ctx); err != nil {
				in.log.Warn("cannot write the counts of sources; trying again", "error", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			if err := in.Flush(last); err != nil {
				in.log.Warn("cannot write the last counts of sources", "error", err)
			}
			return
		}
	}
}

// eventID returns the ID of an event received through a source: the source's name, a colon and the
// sender's ID, so that no other source and no careful publisher of the tenant uses the same ID. It
// returns "" if every request is a new event.
func eventID(source *peal.Source, event *peal.Event, body []byte) string {
	prefix := source.Name + ":"
	switch {
	case source.Dedup == peal.DedupBody:
		// Some formats carry the type, subject and time of an event in headers.
		return prefix + hashOf(event.Type, event.Subject, event.Time.String(), string(body))
	case event.ID == "":
		return ""
	case len(prefix)+len(event.ID) > peal.MaxEventIDLength:
		return prefix + hashOf(event.ID)
	}
	return prefix + event.ID
}

// hashOf returns a short text that is distinct for distinct texts.
func hashOf(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		hash.Write([]byte(text))
		hash.Write([]byte{0})
	}
	return "sha256-" + hex.EncodeToString(hash.Sum(nil))
}
