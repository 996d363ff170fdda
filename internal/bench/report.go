package bench

import (
	"errors"
	"fmt"
	"time"
)

// Report is what a run has measured.
type Report struct {
	StartedAt time.Time `json:"started_at"`
	Seconds   float64   `json:"seconds"` // how long the run took
	Version   string    `json:"version"`
	Machine   Machine   `json:"machine"`
	Database  *Database `json:"database,omitempty"` // nil for SQLite
	// BareLowest and BareHighest are the least and the most requests a second of the
	// bare loop in this run. When they are far apart, the machine had other work.
	BareLowest  float64    `json:"bare_lowest"`
	BareHighest float64    `json:"bare_highest"`
	Scenarios   []Scenario `json:"scenarios"`
}

// Scenario is what one scenario has measured.
type Scenario struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Seconds float64  `json:"seconds"`
	Figures []Figure `json:"figures"`
	Counts  []Count  `json:"counts"`
}

// Figure is one measured value.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// OfBare is the value as a part of the bare loop's of the same run; 0 where the
	// bare loop has nothing of the kind.
	OfBare float64 `json:"of_bare,omitempty"`
	// Target is what is aimed for, in words; "" when nothing is.
	Target string `json:"target,omitempty"`
	// Reached says whether the target is; nil when there is none, or when this run
	// cannot tell: Unjudged says why.
	Reached  *bool  `json:"reached,omitempty"`
	Unjudged string `json:"unjudged,omitempty"`

	ofBare bool // the target is about OfBare, or otherwise hangs on the bare loop
}

// Count says what became of the events of one kind.
type Count struct {
	What string `json:"what"`
	// Published is how many events the server acknowledged, Expected how many
	// deliveries they make, and Arrived how many of those came.
	Published int `json:"published"`
	Expected  int `json:"expected"`
	Arrived   int `json:"arrived"`
	// Missing did not arrive; Doubled arrived once too often; Unknown were never
	// published. Repeated came again after a kill of the server, which is allowed.
	Missing  int `json:"missing"`
	Doubled  int `json:"doubled"`
	Unknown  int `json:"unknown"`
	Repeated int `json:"repeated"`
	// Forged had a signature that does not verify, of the Checked ones.
	Checked int `json:"signatures_checked"`
	Forged  int `json:"signatures_wrong"`
}

// wrong says what must not be, or "".
func (c *Count) wrong() string {
	text := ""
	for _, part := range []struct {
		n    int
		what string
	}{
		{c.Missing, "missing"}, {c.Doubled, "doubled"}, {c.Unknown, "never published"}, {c.Forged, "wrongly signed"},
	} {
		if part.n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", part.n, part.what)
	}
	return text
}

// Check gives an error when anything is missing, doubled or forged. Targets that
// are not reached are no error.
func (r *Report) Check() error {
	var all []error
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		for j := range s.Counts {
			c := &s.Counts[j]
			if wrong := c.wrong(); wrong != "" {
				all = append(all, fmt.Errorf("%s: of %d deliveries of %s events, %s", s.Name, c.Expected, c.What, wrong))
			}
		}
	}
	return errors.Join(all...)
}

// unsteady is how many times the bare loop's lowest rate its highest may be.
const unsteady = 1.3

// steady reports whether the machine did the same work at the same speed all along.
func (r *Report) steady() bool { return r.BareHighest <= unsteady*r.BareLowest }

// doubt takes back what was said about parts of the bare loop when the machine was
// not steady: with other work on it, two processes get more of it than the bare
// loop's one, which flatters.
func (r *Report) doubt() {
	if r.steady() {
		return
	}
	for i := range r.Scenarios {
		for j := range r.Scenarios[i].Figures {
			if f := &r.Scenarios[i].Figures[j]; f.ofBare && f.Target != "" {
				f.Reached, f.Unjudged = nil, "unsteady machine"
			}
		}
	}
}
