package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Report holds the results of a run.
type Report struct {
	StartedAt time.Time `json:"started_at"`
	Seconds   float64   `json:"seconds"` // duration of the run
	Version   string    `json:"version"`
	Machine   Machine   `json:"machine"`
	Database  *Database `json:"database,omitempty"` // nil for SQLite
	// BareLowest and BareHighest are the lowest and the highest rate of the bare loop in
	// this run, in requests a second. If they are far apart, the machine had other work.
	BareLowest  float64    `json:"bare_lowest"`
	BareHighest float64    `json:"bare_highest"`
	Scenarios   []Scenario `json:"scenarios"`
}

// Scenario holds the results of one scenario.
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
	// OfBare is the ratio of Value to the bare loop's value in the same run; 0 if the bare
	// loop has no such value.
	OfBare float64 `json:"of_bare,omitempty"`
	// Target is the goal in words; "" if there is none.
	Target string `json:"target,omitempty"`
	// Reached reports whether the figure meets the target; nil if there is no target or this
	// run cannot decide, for the reason in Unjudged.
	Reached  *bool  `json:"reached,omitempty"`
	Unjudged string `json:"unjudged,omitempty"`

	ofBare bool // the target is about OfBare or depends on the bare loop in another way
}

// Count is the outcome of the events of one kind.
type Count struct {
	What string `json:"what"`
	// Published is the number of acknowledged events, Expected the number of their
	// deliveries, and Arrived the number of those that arrived.
	Published int `json:"published"`
	Expected  int `json:"expected"`
	Arrived   int `json:"arrived"`
	// Missing did not arrive, Doubled arrived more than once, and Unknown were never
	// published. Repeated arrived again after a kill of the server, which is allowed.
	Missing  int `json:"missing"`
	Doubled  int `json:"doubled"`
	Unknown  int `json:"unknown"`
	Repeated int `json:"repeated"`
	// Checked had their signature verified; Forged of them had a wrong one.
	Checked int `json:"signatures_checked"`
	Forged  int `json:"signatures_wrong"`
}

// wrong describes the faults in the count; "" if there are none.
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

// Check returns an error if anything is missing, doubled or forged. A missed target is
// not an error.
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

// unsteady is the highest ratio of the bare loop's highest rate to its lowest.
const unsteady = 1.3

// steady reports whether the machine kept the same speed during the run.
func (r *Report) steady() bool { return r.BareHighest <= unsteady*r.BareLowest }

// doubt withdraws the verdicts that depend on the bare loop if the machine was not
// steady. Under other load two processes get more CPU time than the bare loop's one, so
// the ratios look better than they are.
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

// Machine describes the machine of the run.
type Machine struct {
	System    string `json:"system"` // operating system, its release and the architecture
	Go        string `json:"go"`
	CPU       string `json:"cpu"` // its name; "" if unknown
	CPUs      int    `json:"cpus"`
	Directory string `json:"directory"` // the place of the temporary data
	// SyncMS is the median time, in milliseconds, until a write of 4 KiB is on disk. A time
	// near 0 means that the directory is in memory.
	SyncMS float64 `json:"sync_ms"`
	// Load is the load average of one minute at the start of the run, which other programs
	// cause; -1 if unknown.
	Load float64 `json:"load"`
}

// Database describes the PostgreSQL server of the run.
type Database struct {
	Version string `json:"version"`
	// Fsync and SynchronousCommit are its settings. If both are "on", an acknowledged event
	// is on disk.
	Fsync             string `json:"fsync"`
	SynchronousCommit string `json:"synchronous_commit"`
	// CommitMS is the median time, in milliseconds, of a commit of one row.
	CommitMS float64 `json:"commit_ms"`
	// CPUCounted reports whether the CPU time of its processes was measured.
	CPUCounted bool `json:"cpu_counted"`
}

// target is the goal for a figure: a lower or an upper bound.
type target struct {
	least, most float64 // exactly one is set
	ofBare      bool    // the bound is for the ratio to the bare loop
	scale       int     // the least size of the scenario that can prove it; 0 for any
	text        string  // the size in words
}

// targets holds the targets for SQLite in docs/performance.md, by scenario and figure.
var targets = map[[2]string]target{
	{"single", "throughput"}:             {least: 0.25, ofBare: true},
	{"single", "CPU per delivery"}:       {most: 0.12},
	{"batch", "throughput"}:              {least: 0.40, ofBare: true},
	{"fanout", "throughput"}:             {least: 0.50, ofBare: true},
	{"latency", "p50 at 50/s"}:           {most: 1.5},
	{"latency", "p99 at 50/s"}:           {most: 6},
	{"neighbour", "p99 beside/alone"}:    {most: 1.5, scale: 20_000, text: "20,000 waiting"},
	{"dead", "p99 beside/alone"}:         {most: 2, scale: 1000, text: "1,000 dead"},
	{"memory", "resident"}:               {most: 150, scale: 1_000_000, text: "1,000,000 pending"},
	{"history", "with/without"}:          {least: 0.9, scale: 5_000_000, text: "5,000,000 delivered"},
	{"idle", "CPU"}:                      {most: 1, scale: 10_000, text: "10,000 webhooks"},
	{"crash", "restart to last arrival"}: {most: 3},
}

// databaseTargets holds the targets for PostgreSQL.
var databaseTargets = map[[2]string]target{
	{"single", "throughput"}:             {least: 0.15, ofBare: true},
	{"batch", "throughput"}:              {least: 0.25, ofBare: true},
	{"fanout", "throughput"}:             {least: 0.35, ofBare: true},
	{"latency", "p50 at 50/s"}:           {most: 5},
	{"latency", "p99 at 50/s"}:           {most: 20},
	{"crash", "restart to last arrival"}: {most: 15},
}

// judge compares a figure with its target. A scenario with a size below the target's
// scale can miss the target but cannot prove that it is reached.
func (t target) judge(f *Figure, size int) {
	value := f.Value
	if t.ofBare {
		value = f.OfBare
	}
	var reached bool
	if t.least > 0 {
		f.Target = "≥ " + strconv.FormatFloat(t.least, 'g', -1, 64)
		reached = value >= t.least
	} else {
		f.Target = "≤ " + strconv.FormatFloat(t.most, 'g', -1, 64)
		reached = value <= t.most
	}
	if t.ofBare {
		f.Target += " of bare"
	} else if f.Unit != "" {
		f.Target += " " + f.Unit
	}
	if t.text != "" {
		f.Target += ", " + t.text
	}
	f.ofBare = t.ofBare
	if !reached || size >= t.scale {
		f.Reached = &reached
	} else {
		f.Unjudged = "not at this size"
	}
}

// text returns the value with its unit.
func (f *Figure) text() string {
	text := thousands(strconv.FormatFloat(f.Value, 'f', -1, 64))
	if f.Unit == "" {
		return text
	}
	return text + " " + f.Unit
}

// thousands returns a decimal number with commas in its whole part.
func thousands(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

func (f *Figure) verdict() string {
	switch {
	case f.Target == "":
		return ""
	case f.Reached == nil:
		return f.Unjudged
	case *f.Reached:
		return "reached"
	}
	return "not reached"
}

var heads = []string{"WHAT", "FIGURE", "VALUE", "OF BARE", "TARGET", ""}

// rows returns the figures as cells of a table.
func (r *Report) rows() (rows [][]string) {
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		title := s.Title
		for j := range s.Figures {
			f := &s.Figures[j]
			ofBare := ""
			if f.OfBare != 0 {
				ofBare = strconv.FormatFloat(f.OfBare, 'f', -1, 64)
			}
			rows = append(rows, []string{title, f.Name, f.text(), ofBare, f.Target, f.verdict()})
			title = ""
		}
	}
	return rows
}

// summary returns the counts in one line.
func (r *Report) summary() string {
	var sum Count
	for i := range r.Scenarios {
		for _, c := range r.Scenarios[i].Counts {
			sum.Expected += c.Expected
			sum.Missing += c.Missing
			sum.Doubled += c.Doubled
			sum.Unknown += c.Unknown
			sum.Forged += c.Forged
			sum.Checked += c.Checked
		}
	}
	wrong := sum.wrong()
	if wrong == "" {
		wrong = "none missing, none doubled"
	}
	return fmt.Sprintf("%s deliveries counted: %s; %s signatures verified.",
		thousands(strconv.Itoa(sum.Expected)), wrong, thousands(strconv.Itoa(sum.Checked)))
}

// steadiness returns the rates of the bare loop in one line, with a warning if the
// machine was not steady.
func (r *Report) steadiness() string {
	low, high := thousandsOf(int(r.BareLowest)), thousandsOf(int(r.BareHighest))
	if r.steady() {
		return fmt.Sprintf("The bare loop ran at %s to %s requests/s.", low, high)
	}
	return fmt.Sprintf("The bare loop ran at %s to %s requests/s: the machine had other work or changed its speed, so take the figures with care.", low, high)
}

// about describes the machine and the database in a line each.
func (r *Report) about() string {
	m := &r.Machine
	text := fmt.Sprintf("%s, %d CPUs", m.System, m.CPUs)
	if m.CPU != "" {
		text += " (" + m.CPU + ")"
	}
	text += fmt.Sprintf(", %s, peal %s; a 4 KiB write is on disk after %s ms", m.Go, r.Version,
		strconv.FormatFloat(round(m.SyncMS), 'f', -1, 64))
	if m.Load >= 0 {
		text += fmt.Sprintf("; load average before: %.1f", m.Load)
	}
	text += "."
	if r.Database != nil {
		text += "\n" + r.Database.about()
	}
	return text
}

// WriteTable writes the report as a table for a terminal.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(heads, "\t"))
	for _, row := range r.rows() {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s\n%s\n", r.summary(), r.steadiness(), r.about())
	return err
}

// WriteMarkdown writes the report in the form of docs/performance.md.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| what | figure | value | of bare | target | |\n|---|---|---:|---:|---|---|\n")
	for _, row := range r.rows() {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	fmt.Fprintf(&b, "\n%s\n%s\n%s\n", r.summary(), r.steadiness(), r.about())
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the whole report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func thousandsOf(n int) string { return thousands(strconv.Itoa(n)) }

// about describes the database in one line.
func (d *Database) about() string {
	text := fmt.Sprintf("PostgreSQL %s, fsync %s, synchronous_commit %s; a commit takes %v ms", d.Version, d.Fsync,
		d.SynchronousCommit, round(d.CommitMS))
	if strings.Contains(d.Fsync+d.SynchronousCommit, "off") {
		text += "; a crash loses what it has acknowledged"
	}
	if !d.CPUCounted {
		text += "; the CPU time of its processes is not counted: they are not visible from this machine"
	}
	return text + "."
}

// round rounds a number to four significant digits, or to a whole number if it has more.
func round(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(x)))-3)
	if unit >= 1 {
		return math.Round(x)
	}
	return math.Round(x/unit) / math.Round(1/unit)
}

func seconds(d time.Duration) float64 { return round(d.Seconds()) }

// part returns a/b, or 0 if b is 0.
func part(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

// samples holds all measured durations.
type samples []time.Duration

// quantile returns the nearest-rank quantile: the smallest sample such that at least the
// fraction q of all samples is not above it. It returns 0 if there are no samples. The
// samples must be sorted.
func (s samples) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(s))))
	return s[min(max(rank, 1), len(s))-1]
}

func (s samples) sort() samples {
	slices.Sort(s)
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
