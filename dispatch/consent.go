package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/share"
	"github.com/pealhq/peal/wire"
)

// The headers of the validation handshake: section 4 of the CloudEvents
// specification "HTTP 1.1 Web Hooks for Event Delivery", version 1.0.2.
const (
	requestOrigin = "WebHook-Request-Origin"
	requestRate   = "WebHook-Request-Rate"
	allowedOrigin = "WebHook-Allowed-Origin"
	allowedRate   = "WebHook-Allowed-Rate"
)

// maxRate is the highest rate of a [peal.RateLimit].
const maxRate = 1e4

// consentTime is how long an endpoint has for its answer.
const consentTime = 10 * time.Second

// AskConsent asks the URL of a webhook with Handshake whether it takes requests from
// this deployment, and does nothing for other webhooks. Call it after
// [Engine.CheckWebhook], before a webhook is saved that is new or has another URL,
// format, Handshake or RateLimit. A rate that the endpoint allows becomes the
// webhook's RateLimit where that is higher or not set. The error has code
// [peal.Invalid] and the field "url", and says what came back.
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
	client, err := e.clientFor(w)
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
		return peal.Invalidf("url", "did not answer the handshake (OPTIONS with %s: %s): %s", requestOrigin, e.options.Origin, why)
	}
	got := answer.Values(allowedOrigin)
	if len(got) != 1 || !got[0].Is("*") && !got[0].Is(e.options.Origin) {
		return peal.Invalidf("url", "does not consent to the handshake: OPTIONS with %s: %s was answered %d %s; %s must be that origin or *",
			requestOrigin, e.options.Origin, answer.Status, shown(answer, allowedOrigin), allowedOrigin)
	}
	return limitRate(w, answer)
}

// nameOrigin names the origin that an endpoint has consented to, in any request to it.
func (e *Engine) nameOrigin(header http.Header) {
	for name := range header {
		if strings.EqualFold(name, requestOrigin) {
			delete(header, name)
		}
	}
	header[requestOrigin] = []string{e.options.Origin}
}

// hostname is the origin of a deployment that was given none.
func hostname() string {
	if name, err := os.Hostname(); err == nil && isOrigin(name) {
		return name
	}
	return "localhost"
}

// isOrigin reports whether a text is a DNS name as it may stand in a header.
func isOrigin(text string) bool {
	for i := range len(text) {
		if c := text[i]; c|0x20-'a' > 25 && c-'0' > 9 && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return text != "" && len(text) <= 253
}

// shown is what came back of a header, cut where it is long.
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

// limitRate keeps a webhook to the requests a minute that its endpoint allows.
func limitRate(w *peal.Webhook, answer egress.Consent) error {
	allowed := answer.Values(allowedRate)
	if len(allowed) == 0 || len(allowed) == 1 && allowed[0].Is("*") {
		return nil
	}
	perMinute, ok := allowed[0].Number()
	if !ok || perMinute == 0 || len(allowed) > 1 {
		return peal.Invalidf("url", "answered the handshake %s; it must be requests a minute as a whole number above 0, or *", shown(answer, allowedRate))
	}
	perSecond := min(float64(perMinute)/60, maxRate)
	if w.RateLimit == nil {
		w.RateLimit = &peal.RateLimit{PerSecond: perSecond, Burst: 1}
	} else if w.RateLimit.PerSecond > perSecond {
		w.RateLimit = &peal.RateLimit{PerSecond: perSecond, Burst: w.RateLimit.Burst}
	}
	return nil
}
