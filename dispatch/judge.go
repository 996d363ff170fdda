package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// judge asks the filters of the webhooks for the events of one publish. All of them
// share one purse, under the caller's context: when the caller has gone, or the engine
// stops, nothing of the publish is committed. It costs nothing where no webhook has a filter.
type judge struct {
	engine *Engine
	ctx    context.Context
	tenant string
	events int
	purse  *match.Purse
	err    error // why the publish must be refused

	costliest peal.WebhookID // the webhook of which a filter did the most work for one event
	most      int
}

// wants asks one filter. The event's filters may be as many as its routes.
//
// An event that is accepted is judged by every filter. So a batch for which the filters
// do too much work is refused as a whole: its publisher can send fewer events at once. A
// single event cannot be split; each of its filters has a part of the work in any case,
// and one that needs more fails, as does one that needs too much for itself.
func (j *judge) wants(route *match.Route, facts *match.Facts, routes int) (bool, error) {
	if j.purse == nil {
		j.purse = match.NewPurse(j.ctx, j.engine.stopping, j.tenant)
		if j.events == 1 {
			j.purse.Guarantee(routes)
		}
	}
	before := j.purse.Used()
	wants, err := route.Wants(j.purse, facts)
	if used := j.purse.Used() - before; used > j.most {
		j.most, j.costliest = used, route.Webhook().ID
	}
	if j.purse.Spent() {
		j.err = peal.Errorf(peal.TooLarge, "the filters of the tenant's webhooks do more work than one request may cost: "+
			"send fewer events at once, or simplify the filters, above all that of the webhook %s", j.costliest)
	} else if j.purse.Err() != nil {
		j.err = j.engine.programError(j.purse)
	}
	return wants, err
}

// rest releases the turn of the filters, which may run again.
func (j *judge) rest() {
	if j.purse != nil {
		j.purse.Close()
	}
}

// programError returns why programs of a request were stopped from outside; nil when they were not.
func (e *Engine) programError(purse *match.Purse) error {
	err := purse.Err()
	if err != nil && e.stopping.Err() != nil {
		return errStopping
	}
	return err
}

// The bounds of what is remembered of filters that fail.
const (
	filterLogEvery  = time.Minute // for each webhook
	filterLogFirst  = 3           // lines that come at once
	filterNoteEvery = 10 * time.Second
	filtersKept     = 10_000 // webhooks
)

// filterWatch follows filters that fail while they run: a line of the log for the first
// few failures of a webhook, and then at most one a minute with the number of the
// others; and what is shown as a problem of the webhook.
type filterWatch struct {
	log  *slog.Logger
	note func(peal.Problem) // must not block

	mu      sync.Mutex
	failing map[peal.WebhookID]*filterFailures
}

type filterFailures struct {
	lines  int
	silent int // failures since the last line
	logged time.Time
	noted  time.Time
	since  peal.Problem // what has not been noted
}

func newFilterWatch(log *slog.Logger, note func(peal.Problem)) *filterWatch {
	return &filterWatch{log: log, note: note, failing: make(map[peal.WebhookID]*filterFailures)}
}

// failed learns of a failure, which counts as no match.
func (w *filterWatch) failed(h *hook, event *peal.Event, err error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	w.mu.Lock()
	f := w.failing[h.ID]
	if f == nil {
		if len(w.failing) >= filtersKept {
			clear(w.failing)
		}
		f = &filterFailures{}
		w.failing[h.ID] = f
	}
	if f.since.Attempts == 0 {
		f.since.First = now
	}
	f.since.Attempts++
	var problem peal.Problem
	if now.Sub(f.noted) >= filterNoteEvery {
		problem = f.since
		f.noted, f.since = now, peal.Problem{}
	}
	silent := f.silent
	loud := f.lines < filterLogFirst || now.Sub(f.logged) >= filterLogEvery
	if loud {
		f.lines++
		f.silent, f.logged = 0, now
	} else {
		f.silent++
	}
	w.mu.Unlock()
	if problem.Attempts > 0 {
		problem.WebhookID, problem.Reason, problem.Last = h.ID, peal.ReasonFilter, now
		problem.Error = peal.NewFilterError(h.ID, err).Message
		w.note(problem)
	}
	if loud {
		w.log.Info("a filter failed, which counts as no match", "webhook", h.ID, "event", event.ID, "error", err, "more_since", silent)
	}
}
