package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/terminal"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3 // the input breaks a rule, or the thing is in another state
	exitNotFound    = 4
	exitNotAllowed  = 5 // no key, a wrong one, or one that may not do this
	exitUnavailable = 6 // no server, or it cannot do it now
)

// report prints the error of a command with what to do about it, and returns the exit code.
func (a *app) report(cmd *cobra.Command, err error) int {
	code, hint := a.judge(cmd, err)
	text := message(cmd, err)
	if flag := cmd.Flags().Lookup("log-format"); flag != nil && (a.asJSON || flag.Value.String() == "json" || !flag.Changed && a.Env("PEAL_LOG_FORMAT") == "json") {
		slog.New(slog.NewJSONHandler(a.Stderr, nil)).Error("peal ends: it has failed", "error", terminal.Safe(text), "hint", hint)
		return code
	}
	fmt.Fprintf(a.Stderr, "peal: %s\n", terminal.SafeLines(text))
	if hint != "" {
		fmt.Fprintf(a.Stderr, "hint: %s\n", terminal.Safe(hint))
	}
	return code
}

// judge returns the exit code and the hint of an error.
func (a *app) judge(cmd *cobra.Command, err error) (code int, hint string) {
	var usage *usageError
	var refused *client.Error
	var transport *url.Error
	var e *peal.Error
	switch {
	case errors.As(err, &usage):
		return exitUsage, usage.Command + " --help shows how it is called"
	case errors.Is(err, errDeclined), errors.Is(err, context.Canceled):
		return exitFailed, ""
	case errors.As(err, &refused):
		return a.judgeAnswer(cmd, refused)
	case errors.Is(err, client.ErrAnswer):
		return exitFailed, a.noPeal()
	case errors.As(err, &transport) && strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return exitUnavailable, "the server there speaks plain http: use " + strings.Replace(a.url, "https://", "http://", 1) + " for --url or PEAL_URL"
	case errors.As(err, &transport):
		return exitUnavailable, "is the server running there? peal serve starts one; --url or PEAL_URL names its address"
	case errors.As(err, &e):
		return codes[e.Code], ""
	}
	return exitFailed, ""
}

var codes = map[peal.ErrorCode]int{
	peal.Invalid:      exitRefused,
	peal.TooLarge:     exitRefused,
	peal.Conflict:     exitRefused,
	peal.NotFound:     exitNotFound,
	peal.Unauthorized: exitNotAllowed,
	peal.Forbidden:    exitNotAllowed,
	peal.RateLimited:  exitUnavailable,
	peal.Unavailable:  exitUnavailable,
	peal.Internal:     exitFailed,
}

func (a *app) judgeAnswer(cmd *cobra.Command, e *client.Error) (code int, hint string) {
	switch status := e.Status; {
	case e.Type == "" && status < 500 && status != http.StatusTooManyRequests:
		return exitFailed, a.noPeal()
	case status == http.StatusUnauthorized && !a.keyGiven:
		return exitNotAllowed, "no key: set PEAL_KEY or --key; the operator key was printed at the server's first start"
	case status == http.StatusUnauthorized:
		return exitNotAllowed, "the key is not one of the server at " + a.url + "; check PEAL_KEY and --key"
	case status == http.StatusForbidden:
		return exitNotAllowed, "use an operator's key, or one with the scope for this; peal keys list shows the scopes"
	case status == http.StatusNotFound:
		return exitNotFound, "check the name, and the tenant: --tenant or PEAL_TENANT names the one that an operator's key acts for"
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return exitUnavailable, "nothing was changed; try again" + when(e.RetryAfter != 0, " in "+roughly(e.RetryAfter))
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return exitUnavailable, "a proxy before the server got no answer; check that the server runs"
	case status >= 500:
		return exitFailed, "the server's log has more" + when(e.RequestID != "", ", under request "+e.RequestID)
	case status == http.StatusConflict:
		return exitRefused, "look at how it is now, and decide again"
	}
	return exitRefused, cmd.CommandPath() + " --help shows what can be given"
}

func (a *app) noPeal() string {
	if strings.HasPrefix(a.url, "http://") && bytes.Contains(a.answer, []byte("HTTP request to an HTTPS server")) {
		return "the server there speaks https: use " + strings.Replace(a.url, "http://", "https://", 1) + " for --url or PEAL_URL"
	}
	return "what answers at " + a.url + " is no Peal server; check --url or PEAL_URL"
}

// item is the number of an item at the end of a field, such as the 1 of events[1].
var item = regexp.MustCompile(`\[(\d+)\]$`)

// operand is an argument in the usage line of a command, such as NAME or [DATA].
var operand = regexp.MustCompile(`[A-Z][A-Z-]*`)

// message returns the text of an error. Where the API names the fields of a request, it names the
// flags and arguments that the caller typed for them.
func message(cmd *cobra.Command, err error) string {
	text := err.Error()
	var refused *client.Error
	if !errors.As(err, &refused) {
		return text
	}
	for _, fault := range refused.Errors {
		place := typedPlace(cmd, fault.Location)
		if place == "" {
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

// units are those of the numbers in the API's messages, where the flag takes a duration.
var units = map[string]string{"milliseconds": " (in milliseconds)", "seconds": " (in seconds)", "duration": " (in seconds)", "durations": " (in seconds)"}

// typedPlace returns where the caller of a command typed the value at a location of a request; ""
// if the command has neither a flag nor an argument for it.
func typedPlace(cmd *cobra.Command, location string) string {
	part, field, _ := strings.Cut(location, ".")
	if !slices.Contains([]string{"header", "body", "query", "path"}, part) {
		return "" // of one of several, such as body[3].id
	}
	field = strings.TrimPrefix(field, "webhook.") // of a preview
	field, of := item.ReplaceAllString(field, ""), ""
	if n := item.FindStringSubmatch(location); n != nil {
		if i, err := strconv.Atoi(n[1]); err == nil {
			of = fmt.Sprintf("item %d of ", i+1)
		}
	}
	argument := strings.ToUpper(field)
	if slices.Contains(operand.FindAllString(cmd.Use, -1), argument) {
		return of + argument
	}
	place := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		v, ok := f.Value.(*value)
		if !ok || place != "" {
			return
		}
		key, inside := strings.CutPrefix(field, v.Member+".") // of a flag for several members, such as headers
		own := v.Member == "-" && v.Name == field && cmd.LocalFlags().Lookup(v.Name) != nil
		switch {
		case own, v.Member == field, strings.HasPrefix(v.Member, field+"."):
			place = of + "--" + v.Name + units[v.Kind]
		case inside:
			place = of + "--" + v.Name + " " + key
		}
	})
	return place
}
