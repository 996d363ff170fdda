// Package lanes decides which delivery is attempted next.
//
// Each webhook has a lane: a bounded queue in memory, a number of requests that may be in flight,
// which adapts to its endpoint, a rate limit and a breaker. Lanes that have something to send take
// turns. What does not fit in memory waits in the store, and is claimed as the lane drains.
//
// [Lanes] is a state machine: it starts no goroutine, reads no clock, takes no lock and calls
// nobody. Its owner serializes the calls, passes the time, and carries out the [Effects] of each.
package lanes

import (
	"bytes"
	"crypto/sha256"
	"time"

	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
)

// Options are the bounds of all lanes; see the fields of the same names of the engine's options.
type Options struct {
	MaxInFlight, MaxSlow    int
	LaneInFlight, LaneQueue int
	Memory                  int64
	// SuspectRest is the time after Started in which suspects that were marked when a process
	// ended are not attempted.
	Started     time.Time
	SuspectRest time.Duration
}

// Effects are actions that calls ask the owner for.
type Effects struct {
	Start     int              // attempts that may start: for each, some worker calls Start
	Claim     int              // lanes that came into the queue of claims: for each, somebody calls NextClaim
	Suspects  bool             // NextSuspect may return one
	Due       bool             // the earliest due time has changed: call CallDue
	Wake      time.Time        // when to call Wake at the latest; zero for never
	Release   []Release        // to be written; Released is called afterwards
	Elsewhere []peal.WebhookID // another node sends these, and the store has deliveries for it
	Canceled  []CanceledTest   // tests of which no attempt will be made
}

// Release is deliveries that this node holds, does not send and releases, so that any node can claim them.
// Nothing is claimed for their webhook until that is written, so that the order is kept.
type Release struct {
	IDs  []peal.DeliveryID
	lane *lane
}

// CanceledTest is a test that ended before its attempt, and why.
type CanceledTest struct {
	Job *Job
	Err error
}

// Lanes is the state of all lanes. The caller serializes all calls.
type Lanes struct {
	options Options
	now     time.Time // of the call under way
	effects Effects   // of the calls since the last TakeEffects

	lanes    map[peal.WebhookID]*lane
	memory   int64 // cost of all deliveries in memory, in bytes
	sending  bool
	until    time.Time // when sending ends; zero for never
	stopping bool
	term     int
	peers    Peers

	attempts attempts
	claims   claims
	alarms   alarms
	suspects suspects
}

// attempts decides which lane has its turn. Lanes that have something to send and may send it are
// in the ready queue of their kind. Each kind has its own number of requests in flight, so that
// endpoints that hang cannot use up what the healthy ones need.
type attempts struct {
	ready          [kinds]fifo[*lane]
	inFlight       [kinds]int
	most           [kinds]int // in flight
	gates          [kinds]*gate
	latest         kind        // other than fast that had its turn last
	tookNewest     [kinds]bool // whether the last turn of the kind was that of its newest lane
	oldest, newest *Job        // attempts in flight, by their start
	sortAt         time.Time   // when slow attempts are next looked for; zero for never
}

// claims is the queue of lanes for which deliveries are claimed from the store, and the times at
// which others get there.
type claims struct {
	queue   fifo[*lane]
	patient []*lane   // join the queue together
	joinAt  time.Time // when they do; zero while there are none
	dues    dueHeap
}

// suspects is the queue of deliveries that are attempted alone, in turns between webhooks.
type suspects struct {
	jobs  []*Job
	turns int // so far
}

// New returns lanes that send nothing before [Lanes.Resume].
func New(options Options) *Lanes {
	s := &Lanes{options: options, lanes: make(map[peal.WebhookID]*lane)}
	s.attempts = newAttempts(options)
	return s
}

func newAttempts(options Options) attempts {
	troubled := newGate()
	return attempts{
		most:  [kinds]int{fast: options.MaxInFlight, fresh: options.MaxSlow, erring: options.MaxInFlight, slow: options.MaxSlow},
		gates: [kinds]*gate{fresh: newGate(), erring: troubled, slow: troubled}, // fast has none
	}
}

// Term returns the number of the current registration of the node. Deliveries in memory belong to
// the latest term.
func (s *Lanes) Term() int { return s.term }

// Expired reports whether the time that Resume set has passed.
func (s *Lanes) Expired(now time.Time) bool { return !s.until.IsZero() && !now.Before(s.until) }

// MaxAttempts returns the number of attempts that may be in flight at once.
func (s *Lanes) MaxAttempts() int {
	most := s.attempts.most
	return most[fast] + most[fresh] + most[erring] + most[slow]
}

// The limits of a webhook hold for all nodes together. Requests in flight are shared out: each node
// may have its part, and one at least. An open breaker pauses as many times longer as there are
// nodes, so that all of them together make the probes of one. A webhook with a rate limit belongs
// to one node, which alone sends it.

// Peers are the nodes that share the webhooks.
type Peers struct {
	Self  peal.NodeID
	Nodes []peal.NodeID // that are registered, this one included
	// From is when this node may send webhooks with a rate limit: by then every other node has
	// seen it and no longer sends those that moved here.
	From time.Time

	joined bool // From has come
}

// share returns the number of requests of one webhook that this node may have in flight.
func (s *Lanes) share() int {
	return max(s.options.LaneInFlight/max(len(s.peers.Nodes), 1), 1)
}

// isForeign reports whether another node sends a webhook.
func (s *Lanes) isForeign(w *peal.Webhook) bool {
	if w == nil || w.RateLimit == nil || len(s.peers.Nodes) < 2 {
		return false
	}
	return !s.peers.joined || ownerOf(s.peers.Nodes, w.ID) != s.peers.Self
}

// ownerOf returns the node of a webhook: each node gets its part, and when one comes or goes only
// its own webhooks move (rendezvous hashing).
func ownerOf(nodes []peal.NodeID, id peal.WebhookID) (owner peal.NodeID) {
	var most [sha256.Size]byte
	for _, node := range nodes {
		weight := sha256.Sum256(append(node[:], id[:]...))
		if owner.IsZero() || bytes.Compare(weight[:], most[:]) > 0 {
			owner, most = node, weight
		}
	}
	return owner
}

// lane returns the lane of a webhook, which it creates where there is none.
func (s *Lanes) lane(id peal.WebhookID) *lane {
	l := s.lanes[id]
	if l == nil {
		l = &lane{id: id, pace: newPace(s.share()), dueSlot: -1, alarmSlot: -1}
		s.lanes[id] = l
	}
	return l
}

// laneOf is lane for a webhook of which the settings are known.
func (s *Lanes) laneOf(w Webhook) *lane {
	l := s.lane(w.Settings().ID)
	if l.webhook == nil {
		s.attach(l, w)
	}
	return l
}

// attach sets the settings of a lane; nil when its webhook is deleted.
func (s *Lanes) attach(l *lane, w Webhook) {
	old := l.settings
	l.webhook, l.settings = w, nil
	if w != nil {
		l.settings = w.Settings()
	}
	if old == nil && w != nil {
		l.health = l.settings.Health
	}
	l.foreign = s.isForeign(l.settings)
	switch {
	case w == nil || l.settings.RateLimit == nil:
		l.limiter = nil
	case old == nil || old.RateLimit == nil || *old.RateLimit != *l.settings.RateLimit:
		l.limiter = rate.NewLimiter(rate.Limit(l.settings.RateLimit.PerSecond), l.settings.RateLimit.Burst)
	}
}

func (s *Lanes) charge(l *lane, bytes int64) {
	l.memory += bytes
	s.memory += bytes
}

// release asks for deliveries of a lane to be released.
func (s *Lanes) release(l *lane, ids []peal.DeliveryID) {
	if len(ids) == 0 {
		return
	}
	l.releases++
	s.effects.Release = append(s.effects.Release, Release{ids, l})
}
