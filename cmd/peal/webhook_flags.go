package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// webhookFlags are the flags for a webhook's settings.
type webhookFlags struct {
	app *app

	events        []string
	format        string
	secret        string
	headers       []string
	authorization string
	extra         string
	uuid          string
	timeout       span
	rate          float64
	burst         int
	handshake     bool
	filter        string
	transform     string
	name          string
	description   string
	status        string
	retry         retryFlags
	endpoint      endpointFlags
}

func (a *app) webhookFlags(cmd *cobra.Command) *webhookFlags {
	f := &webhookFlags{app: a}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.events, "events", nil, "event types or patterns that it wants, separated by commas")
	flags.StringVar(&f.format, "format", "", "how events are written and signed, such as standard or x-webhook")
	flags.StringVar(&f.status, "status", "", "active, paused (deliveries are held) or disabled (it gets none)")
	flags.StringVar(&f.name, "name", "", "what people call it, at most 100 characters")
	flags.StringVar(&f.description, "description", "", "what it is for")
	flags.StringVar(&f.secret, "secret", "", "secret that signs: the text, @PATH or - for stdin")
	flags.StringVar(&f.authorization, "authorization", "", "Authorization header, sent as it is: the text, @PATH or -")
	flags.StringArrayVar(&f.headers, "header", nil, "extra header 'Name: value'; can be given several times")
	flags.StringVar(&f.extra, "extra-payload", "", "object to merge into the body: JSON, @PATH or -")
	flags.StringVar(&f.uuid, "uuid", "", "id that the dejacode format shows")
	flags.StringVar(&f.filter, "filter", "", "expression that must be true for an event: the text, @PATH or -")
	flags.StringVar(&f.transform, "transform", "", "jq program from the event to the data sent: the text, @PATH or -")
	flags.Var(&f.timeout, "timeout", "longest time of one attempt, 1s to 60s")
	flags.Float64Var(&f.rate, "rate", 0, "requests a second at most")
	flags.IntVar(&f.burst, "burst", 1, "requests at once at most, with --rate")
	flags.BoolVar(&f.handshake, "handshake", false, "ask the URL for its consent first, as CloudEvents web hooks do")
	f.endpoint = endpointFlags{app: a}
	f.endpoint.add(cmd)
	f.retry.add(flags)
	choices(cmd, "status", "active", "paused", "disabled")
	return f
}

// settings gives what the flags say; what is not given stays nil.
func (f *webhookFlags) settings(cmd *cobra.Command) (client.WebhookRequest, error) {
	s := client.WebhookRequest{Events: f.events}
	given := cmd.Flags().Changed
	for _, text := range []struct {
		flag  string
		value string
		into  **string
		file  bool // whether the value may stand in a file
	}{
		{"format", f.format, &s.Format, false},
		{"status", f.status, &s.Status, false},
		{"name", f.name, &s.Name, false},
		{"description", f.description, &s.Description, false},
		{"uuid", f.uuid, &s.UUID, false},
		{"secret", f.secret, &s.Secret, true},
		{"authorization", f.authorization, &s.Authorization, true},
		{"filter", f.filter, &s.Filter, true},
		{"transform", f.transform, &s.Transform, true},
	} {
		if !given(text.flag) {
			continue
		}
		value := text.value
		if text.file {
			var err error
			if value, err = f.app.line(value); err != nil {
				return s, err
			}
		}
		*text.into = &value
	}
	var err error
	if s.ExtraPayload, err = f.app.jsonFlag(cmd, "extra-payload", f.extra); err != nil {
		return s, err
	}
	if s.Headers, err = f.extraHeaders(cmd); err != nil {
		return s, err
	}
	if given("timeout") {
		s.TimeoutMS = new(int(time.Duration(f.timeout).Milliseconds()))
	}
	if given("burst") && !given("rate") {
		return s, usagef(cmd, "--burst needs --rate")
	}
	if given("rate") {
		s.RateLimit = &client.RateLimitRequest{PerSecond: f.rate, Burst: &f.burst}
	}
	if given("handshake") {
		s.Handshake = &f.handshake
	}
	s.RetryPolicy = f.retry.policy(cmd)
	return s, f.endpoint.settings(cmd, &s)
}

func (f *webhookFlags) extraHeaders(cmd *cobra.Command) (map[string]string, error) {
	if !cmd.Flags().Changed("header") {
		return nil, nil
	}
	headers := map[string]string{}
	for _, line := range f.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, usagef(cmd, "--header %q has no colon: write it as 'Name: value'", line)
		}
		name = strings.TrimSpace(name)
		if _, twice := headers[name]; twice {
			return nil, usagef(cmd, "--header %s is given twice", name)
		}
		headers[name] = strings.TrimSpace(value)
	}
	return headers, nil
}
