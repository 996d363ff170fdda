package dispatch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// tokenTime bounds getting a token, which comes before an attempt's own time.
const tokenTime = 10 * time.Second

// do sends a request on the terms of its webhook, with a token where it has OAuth2.
// An endpoint that refuses a token that was kept gets one more request with a new one,
// within the attempt: a token that was taken back is no failure of anybody.
func (e *Engine) do(ctx context.Context, hook *hook, request *wire.Request, attempt *peal.Attempt) egress.Response {
	if hook.OAuth2 == nil {
		return hook.client.Do(ctx, request, hook.Timeout, attempt)
	}
	before := *attempt
	started := time.Now()
	token, fresh, ok := e.authorize(ctx, hook, request, attempt, "")
	if !ok {
		return egress.Response{}
	}
	told := hook.client.Do(ctx, request, hook.Timeout, attempt)
	if attempt.StatusCode == http.StatusUnauthorized && !fresh {
		*attempt = before
		if _, _, ok := e.authorize(ctx, hook, request, attempt, token); !ok {
			return egress.Response{}
		}
		told = hook.client.Do(ctx, request, hook.Timeout, attempt)
	}
	attempt.StartedAt, attempt.Timing.Total = started.UTC().Truncate(time.Microsecond), time.Since(started)
	return told
}

// authorize puts a token on a request; stale is one that is no good. Where there is
// none, the attempt has failed.
func (e *Engine) authorize(ctx context.Context, hook *hook, request *wire.Request, attempt *peal.Attempt, stale string) (token string, fresh, ok bool) {
	started := time.Now()
	asking, cancel := context.WithTimeout(ctx, min(hook.Timeout, tokenTime))
	defer cancel()
	token, fresh, err := e.tokens.Get(asking, hook.Tenant, hook.OAuth2, stale)
	if err != nil {
		attempt.StartedAt, attempt.Timing.Total = started.UTC().Truncate(time.Microsecond), time.Since(started)
		attempt.URL, attempt.BodySize, attempt.RequestHead = peal.RedactURL(hook.URL), len(request.Body), egress.RequestHead(request)
		attempt.Reason, attempt.Error = peal.ReasonToken, err.Error()
		var why *egress.TokenError
		if errors.As(err, &why) {
			attempt.Reason = why.Reason
		}
		return "", false, false
	}
	for name := range request.Header {
		if strings.EqualFold(name, "Authorization") {
			delete(request.Header, name)
		}
	}
	request.Header["Authorization"] = []string{token}
	return token, fresh, true
}

// clientFor gives the client for a webhook's requests.
func (e *Engine) clientFor(w *peal.Webhook) (*egress.Client, error) {
	terms := egress.Terms{Tenant: w.Tenant, Secrets: append(egress.Secrets(w, e.variablesOf(w)), e.sentByFormat(w)...)}
	if w.ClientCertificate != nil {
		pair, err := w.ClientCertificate.Pair()
		if err != nil {
			return nil, err
		}
		terms.Certificate = &pair
	}
	for _, text := range w.Pins {
		pin, err := peal.ParsePin(text)
		if err != nil {
			return nil, err
		}
		terms.Pins = append(terms.Pins, pin)
	}
	return e.client.With(terms), nil
}
