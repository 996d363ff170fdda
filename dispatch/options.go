package dispatch

import (
	"cmp"
	"log/slog"
	"os"
	"reflect"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/maintenance"
	"github.com/pealhq/peal/wire"
)

// EgressOptions are the rules for where requests may go.
type EgressOptions = egress.Options

// PortRange is ports from First to Last, both included.
type PortRange = egress.PortRange

// Retention is the time for which history is kept.
type Retention = maintenance.Retention

// DefaultRetention keeps history for 30 days.
func DefaultRetention() Retention { return maintenance.DefaultRetention() }

// Kept is the size of the store at the end of retention's latest pass.
type Kept = maintenance.Kept

// Options are an engine's settings. The zero Options are [DefaultOptions]; so is each
// field that is zero and must be above it, and RetryPolicy, Retention, Egress, StopGrace,
// HoldRetry and MaxDeliveries where MaxData, MaxInFlight and LaneQueue are zero as well.
type Options struct {
	// Log receives what an operator should know; nil discards it.
	Log *slog.Logger
	// Metrics is where the engine's metrics, named peal_…, are registered; nil for nowhere.
	Metrics prometheus.Registerer
	// Trace configures tracing with OpenTelemetry.
	Trace TraceOptions
	// MaxData is the largest event data in bytes, at most [peal.LargestMaxData].
	MaxData int
	// MaxDeliveries is the largest number of deliveries that the events of one publish may
	// have together, 1 to [LargestMaxDeliveries].
	MaxDeliveries int
	// Quotas are the default limits of tenants; a missing quota has no limit. The engine
	// enforces those of pending deliveries and of events a second.
	Quotas peal.Quotas
	// RetryPolicy applies to webhooks without one by themselves, their tenant or their format.
	RetryPolicy peal.RetryPolicy
	// Variables fill {{NAME}} in the values of extra headers. They are secrets.
	Variables map[string]string
	// VariableScopes limit, by name, the webhooks that may use a variable; see
	// [VariableScope] for variables without one.
	VariableScopes map[string]VariableScope
	// Formats are formats beside the built-in ones; none may have the name of another.
	Formats []*wire.Format
	// Egress is the rules for where requests may go.
	Egress EgressOptions
	// Origin is the DNS name of this deployment, which webhooks with Handshake send to
	// their endpoints; "" takes the machine's name.
	Origin string
	// CheckSchemas refuses events with data that does not match the schema of their type.
	CheckSchemas bool
	// StopGrace is the time that requests in flight have left when the context of Run ends.
	StopGrace time.Duration

	// MaxInFlight is the number of requests that may be in flight at once to endpoints
	// that answer within a second.
	MaxInFlight int
	// MaxSlow is the number of requests that may be in flight at once to endpoints that
	// take longer; it is separate so that they cannot use up MaxInFlight. As many again
	// may be in flight to endpoints that nothing was sent to yet, one each.
	MaxSlow int
	// LaneInFlight is the most requests in flight of one webhook. A lane starts with
	// a few, has more while its endpoint keeps up and fewer when it slows or errs.
	LaneInFlight int
	// LaneQueue is the most deliveries of one webhook that wait in memory; the others
	// wait in the store.
	LaneQueue int
	// Memory bounds the cost of deliveries in memory, in bytes: their events' data and
	// about half a kilobyte each.
	Memory int64
	// HoldRetry is the longest delay for which a retry stays in memory; for a longer one
	// the delivery is released, and claimed when it is due.
	HoldRetry time.Duration
	// Retention is the time for which history is kept.
	Retention Retention
	// Search keeps an index of the words in events and answers, so that they can be
	// found. The options of the oldest node count.
	Search bool
	// Name is the name of this node for people; "" takes the machine's name.
	Name string
	// Version is the version of the program, for people too.
	Version string
	// Alone promises that no other engine delivers from the store: Run takes over at
	// once what others held, and the engine never fences itself.
	Alone bool
	// Heartbeat is the time between two renewals of the engine's registration as a node.
	Heartbeat time.Duration
	// Lease is the time for which the engine sends after it has asked for the latest
	// successful renewal; then it fences itself. At least twice Heartbeat.
	Lease time.Duration
	// Stale is the age of another node's latest renewal at which this one takes over from
	// it: at least five fourths of Lease, and the same for all nodes.
	Stale time.Duration
	// DueSync is the time between two questions to the store which webhooks have
	// deliveries that no node holds, in case the engine has missed some.
	DueSync time.Duration
	// Now is the machine's clock, which may be set while the engine runs; nil for [time.Now].
	Now func() time.Time
}

// Bounds of [Options.MaxDeliveries].
const (
	DefaultMaxDeliveries = 10_000
	LargestMaxDeliveries = 1_000_000
)

// DefaultOptions suit one node with a few hundred megabytes of memory.
func DefaultOptions() Options {
	return Options{
		MaxData:       peal.DefaultMaxData,
		MaxDeliveries: DefaultMaxDeliveries,
		RetryPolicy:   peal.DefaultRetryPolicy(),
		Egress:        egress.DefaultOptions(),
		StopGrace:     30 * time.Second,
		MaxInFlight:   512,
		MaxSlow:       1024,
		LaneInFlight:  64,
		LaneQueue:     16384,
		Memory:        8 << 20,
		HoldRetry:     10 * time.Second,
		Heartbeat:     2 * time.Second,
		Lease:         7 * time.Second,
		Stale:         10 * time.Second,
		DueSync:       30 * time.Second,
		Retention:     DefaultRetention(),
	}
}

// withDefaults returns the options with defaults in zero fields.
func (o Options) withDefaults() Options {
	d := DefaultOptions()
	if o.MaxData == 0 && o.MaxInFlight == 0 && o.LaneQueue == 0 { // not made from DefaultOptions
		if o.RetryPolicy.Equal(peal.RetryPolicy{}) {
			o.RetryPolicy = d.RetryPolicy
		}
		if o.Retention == (Retention{}) {
			o.Retention = d.Retention
		}
		if reflect.ValueOf(o.Egress).IsZero() {
			o.Egress = d.Egress
		}
		o.MaxDeliveries = cmp.Or(o.MaxDeliveries, d.MaxDeliveries)
		o.StopGrace, o.HoldRetry = cmp.Or(o.StopGrace, d.StopGrace), cmp.Or(o.HoldRetry, d.HoldRetry)
	}
	o.MaxData, o.MaxInFlight, o.MaxSlow = cmp.Or(o.MaxData, d.MaxData), cmp.Or(o.MaxInFlight, d.MaxInFlight), cmp.Or(o.MaxSlow, d.MaxSlow)
	o.LaneInFlight, o.LaneQueue, o.Memory = cmp.Or(o.LaneInFlight, d.LaneInFlight), cmp.Or(o.LaneQueue, d.LaneQueue), cmp.Or(o.Memory, d.Memory)
	o.Heartbeat, o.Lease, o.Stale = cmp.Or(o.Heartbeat, d.Heartbeat), cmp.Or(o.Lease, d.Lease), cmp.Or(o.Stale, d.Stale)
	o.DueSync = cmp.Or(o.DueSync, d.DueSync)
	return o
}

// Validate checks the ranges. The error has code [peal.Invalid] and names the field.
func (o Options) Validate() error {
	o = o.withDefaults()
	if o.MaxData < 1 || o.MaxData > peal.LargestMaxData {
		return peal.Invalidf("MaxData", "must be from 1 to %d bytes", peal.LargestMaxData)
	}
	if o.MaxDeliveries < 1 || o.MaxDeliveries > LargestMaxDeliveries {
		return peal.Invalidf("limits.max_deliveries", "must be from 1 to %d", LargestMaxDeliveries)
	}
	if err := o.Quotas.Validate(int64(o.MaxDeliveries)); err != nil {
		return err
	}
	if err := o.RetryPolicy.Validate(); err != nil {
		return err
	}
	for _, number := range []struct {
		field string
		value int64
		least int64
	}{
		{"MaxInFlight", int64(o.MaxInFlight), 1}, {"MaxSlow", int64(o.MaxSlow), 1}, {"LaneInFlight", int64(o.LaneInFlight), 1}, {"LaneQueue", int64(o.LaneQueue), 1},
		{"Memory", o.Memory, 1}, {"HoldRetry", int64(o.HoldRetry), 0}, {"DueSync", int64(o.DueSync), 1}, {"StopGrace", int64(o.StopGrace), 0},
	} {
		if number.value < number.least {
			return peal.Invalidf(number.field, "must be at least %d", number.least)
		}
	}
	if o.Heartbeat <= 0 || o.Lease < 2*o.Heartbeat || o.Stale < o.Lease+o.Lease/4 {
		return peal.Invalidf("Lease", "must be at least twice Heartbeat, and Stale at least five fourths of it")
	}
	if len(o.Name) > peal.MaxNodeName {
		return peal.Invalidf("Name", "has more than %d bytes", peal.MaxNodeName)
	}
	if o.Origin != "" && !isOrigin(o.Origin) {
		return peal.Invalidf("Origin", "must be a DNS name, such as events.example.com")
	}
	if err := validateFormats(o.Formats); err != nil {
		return err
	}
	if err := validateVariables(o.Variables, o.VariableScopes); err != nil {
		return err
	}
	if err := o.Retention.Validate(); err != nil {
		return err
	}
	return o.Egress.Validate()
}

// hostname returns the origin of a deployment without one in its options.
func hostname() string {
	if name, err := os.Hostname(); err == nil && isOrigin(name) {
		return name
	}
	return "localhost"
}

// isOrigin reports whether a text is a DNS name that may be sent in a header.
func isOrigin(text string) bool {
	for i := range len(text) {
		if c := text[i]; c|0x20-'a' > 25 && c-'0' > 9 && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return text != "" && len(text) <= 253
}
