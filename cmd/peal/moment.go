package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/internal/config"
)

// ago writes how far a moment is from now, for lists: "3m ago", "in 2h".
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

// exact writes a moment to the millisecond with its zone, for single things. The zone is this
// machine's; --utc makes that UTC for the process.
func exact(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format("2006-01-02T15:04:05.000Z07:00")
}

// moment is a flag's value: a time in RFC 3339, or how long ago, such as 90m or 7d.
type moment struct {
	at  time.Time
	now func() time.Time
}

// String is for help.
func (m *moment) String() string {
	if m.at.IsZero() {
		return ""
	}
	return m.at.UTC().Format(time.RFC3339)
}

// Type is for help.
func (m *moment) Type() string { return "time" }

// Set reads what a person wrote.
func (m *moment) Set(text string) error {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		m.at = at
		return nil
	}
	d, err := config.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time: write it as 2026-11-21T09:30:00Z, or how long ago: 90m, 12h, 7d", text)
	}
	m.at = m.now().Add(-d)
	return nil
}

// moments adds --since and --until to a command.
func (a *app) moments(cmd *cobra.Command) (since, until *moment) {
	since, until = &moment{now: a.Now}, &moment{now: a.Now}
	cmd.Flags().Var(since, "since", "only from this time on (RFC 3339, or how long ago: 90m, 12h, 7d)")
	cmd.Flags().Var(until, "until", "only before this time")
	return since, until
}

// span is a flag's value: a duration, with "d" for days too.
type span time.Duration

// String is for help.
func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Type is for help.
func (s *span) Type() string { return "duration" }

// Set reads what a person wrote.
func (s *span) Set(text string) error {
	d, err := config.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a duration: write it as 30s, 5m, 12h or 7d", text)
	}
	*s = span(d)
	return nil
}
