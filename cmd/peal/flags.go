package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pealhq/peal/internal/config"
)

// flagSpec is the description of a flag, in commands.yaml.
type flagSpec struct {
	Name, Kind, Letter, Default, Help string
	// Member is the member of the API's request that the flag sets; "-" for none.
	Member string
	// Needs is another flag without which this one has no use.
	Needs   string
	Choices []string
	Hidden  bool
}

// value is the value of a flag.
type value struct {
	flagSpec
	now   func() time.Time
	label string // of the kind, of a setting
	text  string // as it was given
	got   any    // its meaning, to be written as JSON
	set   bool   // whether it was given, and is not the default
}

// addFlag adds a flag to a command.
func addFlag(app *app, cmd *cobra.Command, flags *pflag.FlagSet, s flagSpec) {
	if s.Member == "" {
		s.Member = strings.ReplaceAll(s.Name, "-", "_")
	}
	v := &value{flagSpec: s, now: func() time.Time { return app.Now() }}
	if s.Default != "" {
		if err := v.Set(s.Default); err != nil {
			panic("commands.yaml: " + err.Error()) // the tests read it
		}
		v.set = false
	}
	f := flags.VarPF(v, s.Name, s.Letter, s.Help)
	f.Hidden = s.Hidden
	if s.Kind == "switch" {
		f.NoOptDefVal = "true"
	}
	if cmd.Name() == "verify" && s.Name == "format" {
		s.Choices = signedFormats()
	}
	if len(s.Choices) > 0 {
		// The only error is a flag that does not exist.
		_ = cmd.RegisterFlagCompletionFunc(s.Name, cobra.FixedCompletions(s.Choices, cobra.ShellCompDirectiveNoFileComp))
	}
}

// String returns the text of the value, or of its default, for help.
func (v *value) String() string { return v.text }

// Type names the kind of value for help.
func (v *value) Type() string {
	if v.label != "" {
		return v.label
	}
	switch v.Kind {
	case "switch":
		return "bool"
	case "whole":
		return "number"
	case "milliseconds", "seconds":
		return "duration"
	case "list", "number", "time", "duration", "durations":
		return v.Kind
	}
	return "text"
}

// Set reads what a person wrote. A repeatable flag adds to what it has.
func (v *value) Set(text string) (err error) {
	var items []string
	if v.set {
		items, _ = v.got.([]string)
	}
	v.set, v.text = true, text
	switch v.Kind {
	case "switch":
		v.got, err = strconv.ParseBool(text)
	case "whole":
		v.got, err = strconv.Atoi(text)
	case "number":
		v.got, err = strconv.ParseFloat(text, 64)
	case "list":
		if text != "" {
			items = append(slices.Clone(items), strings.Split(text, ",")...)
		}
		v.got = append([]string{}, items...)
	case "lines", "headers":
		v.got = append(slices.Clone(items), text)
	case "time":
		v.got, err = parseTime(text, v.now)
	case "milliseconds", "seconds", "duration":
		var d time.Duration
		d, err = parseSpan(text)
		v.got = map[string]any{"milliseconds": d.Milliseconds(), "seconds": int(d.Seconds()), "duration": d.Seconds()}[v.Kind]
	case "durations":
		v.got, err = parseSpans(text)
	default:
		v.got = text
	}
	if _, wrong := err.(*strconv.NumError); wrong {
		return fmt.Errorf("must be %s, not %q", map[string]string{"switch": "true or false", "whole": "a whole number", "number": "a number"}[v.Kind], text)
	}
	return err
}

// parseTime reads a time in RFC 3339, or how long ago it was, such as 90m or 7d.
func parseTime(text string, now func() time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	d, err := config.ParseDuration(text)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("%q is not a time: write it as 2026-11-21T09:30:00Z, or how long ago: 90m, 12h, 7d", text)
	}
	return now().Add(-d), nil
}

// parseSpan reads a duration, with "d" for days too.
func parseSpan(text string) (time.Duration, error) {
	d, err := config.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration: write it as 30s, 5m, 12h or 7d", text)
	}
	return d, nil
}

// parseSpans reads durations with commas between them, in seconds; "none" is an empty list.
func parseSpans(text string) ([]float64, error) {
	seconds := []float64{}
	if text == "none" {
		return seconds, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		d, err := parseSpan(part)
		if err != nil {
			return nil, fmt.Errorf("%w; separate several by commas, and write none for no retries", err)
		}
		seconds = append(seconds, d.Seconds())
	}
	return seconds, nil
}

// parseHeaders reads lines of the form 'Name: value'.
func parseHeaders(cmd *cobra.Command, flag string, lines []string) (map[string]string, error) {
	headers := map[string]string{}
	for _, line := range lines {
		name, text, ok := strings.Cut(line, ":")
		if !ok {
			return nil, usagef(cmd, "--%s %q has no colon: write it as 'Name: value'", flag, line)
		}
		name = strings.TrimSpace(name)
		if _, twice := headers[name]; twice {
			return nil, usagef(cmd, "--%s %s is given twice", flag, name)
		}
		headers[name] = strings.TrimSpace(text)
	}
	return headers, nil
}

// checkFlags checks that the required flags are given, and those that others need.
func checkFlags(cmd *cobra.Command, required map[string]string) error {
	for name, remedy := range required {
		if !cmd.Flags().Changed(name) {
			return usagef(cmd, "--%s is missing; %s", name, remedy)
		}
	}
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		v, ok := f.Value.(*value)
		if ok && err == nil && v.Needs != "" && !cmd.Flags().Changed(v.Needs) {
			err = usagef(cmd, "--%s needs --%s; give both", v.Name, v.Needs)
		}
	})
	return err
}
