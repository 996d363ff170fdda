package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// flagOf names the flags of those fields of the API whose flag is not simply the field's name
// with hyphens. A unit is that of the numbers in the API's message, where the flag takes a
// duration.
var flagOf = map[string]struct{ flag, unit string }{
	"timeout_ms":                           {"timeout", "milliseconds"},
	"overlap_seconds":                      {"overlap", "seconds"},
	"expires_seconds":                      {"expires", "seconds"},
	"session_seconds":                      {"session", "seconds"},
	"retry_policy.delays_seconds":          {"retry-delays", "seconds"},
	"retry_policy.jitter":                  {"retry-jitter", ""},
	"retry_policy.disable_after_exhausted": {"disable-after-exhausted", ""},
	"retry_policy.disable_after_seconds":   {"disable-after", "seconds"},
	"rate_limit":                           {"rate", ""},
	"rate_limit.per_second":                {"rate", ""},
	"rate_limit.burst":                     {"burst", ""},
	"headers":                              {"header", ""},
	"pins":                                 {"pin", ""},
	"client_certificate":                   {"client-cert", ""},
	"client_certificate.certificate":       {"client-cert", ""},
	"client_certificate.key":               {"client-key", ""},
	"oauth2":                               {"oauth2-token-url", ""},
	"quotas":                               {"set", ""},
	"event_types":                          {"event-type", ""},
	"statuses":                             {"status", ""},
	"url":                                  {"to", ""},
	"q":                                    {"find", ""},
	"Peal-Tenant":                          {"tenant", ""},
}

// item is the number of an item at the end of a field, such as the 1 of events[1].
var item = regexp.MustCompile(`\[(\d+)\]$`)

// operand is an argument in the usage line of a command, such as NAME or [DATA].
var operand = regexp.MustCompile(`[A-Z][A-Z-]*`)

// message returns the text of an error. Where the API names the fields of a request, it names the
// flags and arguments that the command has for them, which is what the caller typed.
func message(cmd *cobra.Command, err error) string {
	text := err.Error()
	var refused *client.Error
	if !errors.As(err, &refused) {
		return text
	}
	for _, fault := range refused.Errors {
		place, ok := typedPlace(cmd, fault.Location)
		if !ok {
			continue
		}
		_, field, _ := strings.Cut(fault.Location, ".")
		for _, named := range []string{fault.Location, field} {
			if before, after, found := strings.Cut(text, named+" "+fault.Message); found {
				text = before + place + " " + fault.Message + after
				break
			}
		}
	}
	return text
}

// typedPlace returns where the caller of a command typed the value at a location of a request; false
// if the command has neither a flag nor an argument for it.
func typedPlace(cmd *cobra.Command, location string) (string, bool) {
	part, field, _ := strings.Cut(location, ".")
	flags := cmd.NonInheritedFlags() // --url is where the server is, not the url of a webhook
	switch part {
	case "header":
		flags = cmd.Flags()
	case "body", "query", "path":
	default:
		return "", false // of one of several, such as body[3].id
	}
	field = strings.TrimPrefix(field, "webhook.") // of a preview
	field, of := item.ReplaceAllString(field, ""), ""
	if n := item.FindStringSubmatch(location); n != nil {
		if i, err := strconv.Atoi(n[1]); err == nil {
			of = fmt.Sprintf("item %d of ", i+1)
		}
	}
	name, unit, key := strings.NewReplacer("_", "-", ".", "-").Replace(field), "", ""
	if known, ok := flagOf[field]; ok {
		name, unit = known.flag, known.unit
	} else if whole, member, ok := strings.Cut(field, "."); ok && (whole == "headers" || whole == "quotas") {
		name, key = flagOf[whole].flag, " "+member
	}
	if flags.Lookup(name) != nil {
		place := of + "--" + name + key
		if unit != "" {
			place += " (in " + unit + ")"
		}
		return place, true
	}
	argument := strings.ToUpper(field)
	return of + argument, slices.Contains(operand.FindAllString(cmd.Use, -1), argument)
}
