package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
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

// report prints the error of a command with what to do about it, and gives the
// exit code.
func (a *app) report(cmd *cobra.Command, err error) int {
	code, hint := a.judge(cmd, err)
	text := message(cmd, err)
	if flag := cmd.Flags().Lookup("log-format"); flag != nil && (a.asJSON || flag.Value.String() == "json" || !flag.Changed && a.Env("PEAL_LOG_FORMAT") == "json") {
		slog.New(slog.NewJSONHandler(a.Stderr, nil)).Error("peal ends: it has failed", "error", printable(text), "hint", hint)
		return code
	}
	fmt.Fprintf(a.Stderr, "peal: %s\n", printableLines(text))
	if hint != "" {
		fmt.Fprintf(a.Stderr, "hint: %s\n", printable(hint))
	}
	return code
}

// judge is where errors become exit codes and hints.
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
	case errors.As(err, &transport) && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return exitUnavailable, "the server there speaks plain http: use " + strings.Replace(a.url, "https://", "http://", 1) + " for --url or PEAL_URL"
	case errors.As(err, &transport):
		return exitUnavailable, "is the server running there? peal serve starts one; --url or PEAL_URL says where it is"
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
		return exitNotFound, "check the name, and whose it is: --tenant or PEAL_TENANT says for which tenant an operator's key acts"
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return exitUnavailable, "nothing was changed; try again" + after(e.RetryAfter)
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return exitUnavailable, "a proxy before the server got no answer; check that the server runs"
	case status >= 500:
		return exitFailed, "the server's log says more" + underRequest(e.RequestID)
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

func after(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " in " + roughly(d)
}

func underRequest(id string) string {
	if id == "" {
		return ""
	}
	return ", under request " + id
}
