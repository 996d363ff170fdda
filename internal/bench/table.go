package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// text writes the value with its unit.
func (f *Figure) text() string {
	text := thousands(strconv.FormatFloat(f.Value, 'f', -1, 64))
	if f.Unit == "" {
		return text
	}
	return text + " " + f.Unit
}

// thousands puts commas into the whole part of a number.
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

// rows gives the figures as cells of a table.
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

// summary tells in a line what was counted.
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

// steadiness warns when the machine had other work.
func (r *Report) steadiness() string {
	low, high := thousandsOf(int(r.BareLowest)), thousandsOf(int(r.BareHighest))
	if r.steady() {
		return fmt.Sprintf("The bare loop ran at %s to %s requests/s.", low, high)
	}
	return fmt.Sprintf("The bare loop ran at %s to %s requests/s: the machine had other work or changed its speed, so take the figures with care.", low, high)
}

// about tells in a line where the figures come from.
func (r *Report) about() string {
	m := &r.Machine
	text := fmt.Sprintf("%s, %d CPUs", m.System, m.CPUs)
	if m.CPU != "" {
		text += " (" + m.CPU + ")"
	}
	text += fmt.Sprintf(", %s, peal %s; a 4 KiB write is on disk after %s ms", m.Go, r.Version, strconv.FormatFloat(round(m.SyncMS), 'f', -1, 64))
	if m.Load >= 0 {
		text += fmt.Sprintf("; load average before: %.1f", m.Load)
	}
	text += "."
	if r.Database != nil {
		text += "\n" + r.Database.about()
	}
	return text
}

// WriteTable writes the report to be read on a terminal.
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

// WriteMarkdown writes the report as docs/performance.md shows it.
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

// WriteJSON writes the whole report.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func thousandsOf(n int) string { return thousands(strconv.Itoa(n)) }
