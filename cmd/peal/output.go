package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pealhq/peal/internal/terminal"
)

// show prints the server's answer: with --json as it came, else what print writes.
func (a *app) show(print func(w io.Writer)) error {
	var b bytes.Buffer
	if a.json {
		b.Write(bytes.TrimRight(a.answer, "\n"))
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
	} else {
		print(&b)
	}
	_, err := a.Stdout.Write(b.Bytes())
	return err
}

// listing prints a page as a table and, beside the output, how to get the next page.
func (a *app) listing(noun, cursor, heads string, rows [][]string) error {
	err := a.show(func(w io.Writer) {
		if len(rows) > 0 {
			table(w, heads, rows)
		}
	})
	if err != nil || a.json {
		return err
	}
	if len(rows) == 0 {
		fmt.Fprintf(a.Stderr, "no %s\n", noun)
	}
	if cursor != "" {
		fmt.Fprintf(a.Stderr, "there are more: add --cursor %s\n", terminal.Safe(cursor))
	}
	return nil
}

// table writes rows in aligned columns; heads has the columns, with commas between them. Any text
// in a cell stays in its place and does nothing to the terminal.
func table(w io.Writer, heads string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(heads, ", ", "\t"))
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, cmp.Or(terminal.Safe(cell), "-"))
		}
		fmt.Fprintln(t)
	}
	t.Flush() // w is memory: nothing fails
}

// field is a line about one thing.
type field struct{ name, value string }

// fields writes a line for each field that has a value, further lines of a value
// below its first one.
func fields(w io.Writer, list []field) {
	width := 0
	for _, f := range list {
		if f.value != "" {
			width = max(width, len(f.name))
		}
	}
	for _, f := range list {
		if f.value == "" {
			continue
		}
		indent := "\n" + strings.Repeat(" ", width+2)
		fmt.Fprintf(w, "%-*s  %s\n", width, f.name, strings.ReplaceAll(terminal.SafeLines(f.value), "\n", indent))
	}
}

// pretty returns JSON indented for readers; "" for null and for nothing.
func pretty(text json.RawMessage) string {
	if len(text) == 0 || string(text) == "null" {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

// count returns a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// when returns a text if a condition is true, else "".
func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// textOf returns a text about the value of a pointer; "" for nil.
func textOf[T any](p *T, text func(T) string) string {
	if p == nil {
		return ""
	}
	return text(*p)
}

// positive returns a number, or "" for 0.
func positive(n int) string { return when(n != 0, strconv.Itoa(n)) }

// ago returns the distance of a time from now, for lists: "3m ago", "in 2h".
func (a *app) ago(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	since := a.Now().Sub(at)
	if since < 0 {
		return "in " + roughly(-since)
	}
	return roughly(since) + " ago"
}

func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return "<1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// exact returns a time to the millisecond with its zone, for single things. The zone is this
// machine's; --utc makes that UTC for the process.
func exact(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format("2006-01-02T15:04:05.000Z07:00")
}

// spanText returns seconds in the largest unit that fits.
func spanText(seconds float64) string {
	for _, unit := range []struct {
		seconds float64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "m"}} {
		if n := seconds / unit.seconds; n >= 1 && n == float64(int(n)) {
			return fmt.Sprintf("%d%s", int(n), unit.name)
		}
	}
	return fmt.Sprintf("%gs", seconds)
}
