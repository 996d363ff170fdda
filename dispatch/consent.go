package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/share"
	"github.com/pealhq/peal/wire"
)

// The headers of the validation handshake: section 4 of the CloudEvents
// specification "HTTP 1.1 Web Hooks for Event Delivery", version 1.0.2.
const (
	requestRate   = "WebHook-Request-Rate"
	allowedOrigin = "WebHook-Allowed-Origin"
	allowedRate   = "WebHook-Allowed-Rate"
)

// maxRate is the highest rate of a [peal.RateLimit].
const maxRate = 1e4

// consentTime bounds the wait for an endpoint's answer.
const consentTime = 10 * time.Second

// AskConsent asks the URL of a webhook with Handshake whether it accepts requests from this
// deployment, and does nothing for other webhooks. Call it after [Engine.CheckWebhook], before a
// webhook is saved that is new or has another URL, format, Handshake or RateLimit. A rate that the
// endpoint allows becomes the webhook's RateLimit where that is higher or not set. The error has
// code [peal.Invalid] and the field "url", and contains the answer.
func (e *Engine) AskConsent(ctx context.Context, w *peal.Webhook) error {
	if !w.Handshake {
		return nil
	}
	leave, err := e.Share(ctx, share.Lookup, w.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	header := http.Header{
		requestOrigin: {e.options.Origin}, "User-Agent": {wire.UserAgent},
	}
	if w.RateLimit != nil {
		header[requestRate] = []string{strconv.FormatFloat(max(math.Ceil(w.RateLimit.PerSecond*60), 1), 'f', 0, 64)}
	}
	client, err := e.rules.clientFor(w)
	if err != nil {
		return err
	}
	answer, err := client.Ask(ctx, w.URL, header, min(w.Timeout, consentTime))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		why := err.Error()
		var failure *peal.Error
		if errors.As(err, &failure) {
			why = failure.Message
		}
		return peal.Fault("url", message.ConsentUnanswered, requestOrigin, e.options.Origin, why)
	}
	got := answer.Values(allowedOrigin)
	if len(got) != 1 || !got[0].Is("*") && !got[0].Is(e.options.Origin) {
		return peal.Fault("url", message.ConsentRefused, requestOrigin, e.options.Origin, answer.Status, shown(answer, allowedOrigin), allowedOrigin)
	}
	return limitRate(w, answer)
}

// shown describes a header of an answer, cut where it is long.
func shown(answer egress.Consent, name string) string {
	if len(answer.Values(name)) == 0 {
		return "without " + name
	}
	const most = 100
	text := answer.Show(name).String()
	if len(text) > most {
		text = text[:most]
	}
	return fmt.Sprintf("with %s: %+q", name, text)
}

// limitRate lowers the rate limit of a webhook to the requests a minute that its endpoint allows.
func limitRate(w *peal.Webhook, answer egress.Consent) error {
	allowed := answer.Values(allowedRate)
	if len(allowed) == 0 || len(allowed) == 1 && allowed[0].Is("*") {
		return nil
	}
	perMinute, ok := allowed[0].Number()
	if !ok || perMinute == 0 || len(allowed) > 1 {
		return peal.Fault("url", message.ConsentRate, shown(answer, allowedRate))
	}
	perSecond := min(float64(perMinute)/60, maxRate)
	if w.RateLimit == nil {
		w.RateLimit = &peal.RateLimit{PerSecond: perSecond, Burst: 1}
	} else if w.RateLimit.PerSecond > perSecond {
		w.RateLimit = &peal.RateLimit{PerSecond: perSecond, Burst: w.RateLimit.Burst}
	}
	return nil
}

// ReloadEgress applies the rules of other options to all attempts that start from now on: which
// addresses may be reached, and through which proxy. Other options stay as they are. When the error,
// of code [peal.Invalid], is not nil, nothing has changed.
func (e *Engine) ReloadEgress(options EgressOptions) error { return e.client.Reload(options) }

// Warning is a sentence about something that will keep a webhook's requests from arriving, unless
// somebody acts.
type Warning struct {
	// Public is the text for everybody who may see the webhook.
	Public message.Text
	// Operator is the text for operators: it may contain the internal address of a name.
	Operator message.Text
}

// For returns the sentence for an operator or for others.
func (w Warning) For(operator bool) message.Text {
	if operator {
		return w.Operator
	}
	return w.Public
}

// WarningsFor returns the sentences for an operator or for others.
func WarningsFor(operator bool, warnings []Warning) []message.Text {
	var sentences []message.Text
	for _, w := range warnings {
		sentences = append(sentences, w.For(operator))
	}
	return sentences
}

// Warnings returns sentences about all that will keep a webhook's requests from arriving: addresses
// that are refused, names that do not resolve, certificates that expire. It looks names up, which
// takes two seconds at most, unless the tenant has too many such look-ups under way.
func (e *Engine) Warnings(ctx context.Context, w *peal.Webhook) []Warning {
	var warnings []Warning
	leave, err := e.Share(ctx, share.Lookup, w.Tenant)
	if err == nil {
		defer leave()
	}
	warn := func(sentence message.Message, url string) {
		if err != nil {
			return // without a look-up nothing is known
		}
		if why := e.client.Warn(ctx, url); why.Public.Message != "" {
			warnings = append(warnings, Warning{sentence.With(why.Public), sentence.With(why.Operator)})
		}
	}
	warn(message.URLUnreachable, w.URL)
	if w.OAuth2 != nil {
		warn(message.TokenURLUnreachable, w.OAuth2.TokenURL)
	}
	for _, sentence := range w.Warnings(time.Now()) {
		warnings = append(warnings, Warning{sentence, sentence})
	}
	return warnings
}
