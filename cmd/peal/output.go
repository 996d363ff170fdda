package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// show prints what a call has answered: its JSON as it came with --json, else what
// print writes.
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

// listing prints a page as a table and says, beside the output, how to go on.
func (a *app) listing(noun, cursor string, heads []string, rows [][]string) error {
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
		fmt.Fprintf(a.Stderr, "there are more: add --cursor %s\n", printable(cursor))
	}
	return nil
}

// table writes rows in aligned columns. Whatever the cells hold, each stays in its
// place and does nothing to the terminal.
func table(w io.Writer, heads []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(heads, "\t"))
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, firstOf(printable(cell), "-"))
		}
		fmt.Fprintln(t)
	}
	t.Flush() // w is memory: nothing fails
}

// field is a line of what a command shows about one thing.
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
		fmt.Fprintf(w, "%-*s  %s\n", width, f.name, strings.ReplaceAll(printableLines(f.value), "\n", indent))
	}
}

// pretty indents JSON to be read; null and nothing give "".
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

// count writes a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
