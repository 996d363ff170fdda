package api

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// attemptShape is one HTTP request of a delivery, and what came back.
type attemptShape struct {
	ID        peal.AttemptID                 `json:"id"`
	Number    int                            `json:"number" minimum:"1" doc:"1 for the delivery's first attempt."`
	StartedAt string                         `json:"started_at" format:"date-time"`
	Outcome   string                         `json:"outcome" enum:"success,failure"`
	Reason    *string                        `json:"reason" doc:"Why it failed, from a closed list; null for success."`
	Remedy    *string                        `json:"remedy" doc:"What the owner of the endpoint can do; null for success."`
	Error     *string                        `json:"error" doc:"The failure in its own words; null for success."`
	URL       string                         `json:"url" doc:"Where the request went."`
	Address   *string                        `json:"address" doc:"The IP address and port that answered or refused; null when none was reached, and where only operators see it because it is inside their network."`
	Request   attemptRequestShape            `json:"request"`
	Response  optional[attemptResponseShape] `json:"response" doc:"What came back; null when no answer came."`
	Timing    attemptTimingShape             `json:"timing"`
}

type attemptRequestShape struct {
	Headers  []headerShape `json:"headers" nullable:"false" doc:"As they were sent; those that the webhook sets itself, and other secrets, are hidden."`
	BodySize int           `json:"body_size" minimum:"0" doc:"The size of the body in bytes."`
}

type attemptResponseShape struct {
	Status     int           `json:"status" doc:"The HTTP status."`
	Headers    []headerShape `json:"headers" nullable:"false"`
	Body       *string       `json:"body" doc:"The beginning of the body where it is UTF-8, as it is after gzip, deflate and another declared charset were taken off; null where it is not."`
	BodyBase64 *string       `json:"body_base64" encoding:"base64" doc:"The beginning of the body where it is not UTF-8; null where it is."`
	Truncated  bool          `json:"truncated" doc:"Whether the body was longer than what is kept."`
}

type headerShape struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// attemptTimingShape is where an attempt's time went; steps that did not happen are 0.
type attemptTimingShape struct {
	Wait      float64 `json:"wait_ms" minimum:"0" doc:"From due to started."`
	DNS       float64 `json:"dns_ms" minimum:"0"`
	Connect   float64 `json:"connect_ms" minimum:"0"`
	TLS       float64 `json:"tls_ms" minimum:"0"`
	FirstByte float64 `json:"first_byte_ms" minimum:"0" doc:"From the request written to the first byte of the answer."`
	Total     float64 `json:"total_ms" minimum:"0" doc:"From started to the end."`
	Reused    bool    `json:"reused" doc:"Whether the connection had been used before."`
}

func (c *call) attemptOf(a *peal.Attempt) attemptShape {
	shape := attemptShape{
		ID: a.ID, Number: a.Number, StartedAt: timeText(a.StartedAt), Outcome: "success",
		Reason: textOrNil(string(a.Reason)), Remedy: textOrNil(a.Reason.Remedy()), Error: textOrNil(a.Error),
		URL: a.URL, Address: textOrNil(a.AddressFor(c.caller.IsOperator())),
		Request: attemptRequestShape{Headers: headersOf(a.RequestHead), BodySize: a.BodySize},
		Timing: attemptTimingShape{
			Wait: ms(a.Timing.Wait), DNS: ms(a.Timing.DNS), Connect: ms(a.Timing.Connect), TLS: ms(a.Timing.TLS),
			FirstByte: ms(a.Timing.FirstByte), Total: ms(a.Timing.Total), Reused: a.Timing.Reused,
		},
	}
	if !a.Succeeded() {
		shape.Outcome = "failure"
	}
	if a.StatusCode != 0 {
		shape.Response = some(responseOf(a))
	}
	return shape
}

func responseOf(a *peal.Attempt) attemptResponseShape {
	response := attemptResponseShape{Status: a.StatusCode, Headers: headersOf(a.ResponseHead), Truncated: a.ResponseTruncated}
	body := a.ResponseBody
	if a.ResponseTruncated { // the cut may have gone through a character
		body = wholeRunes(body)
	}
	if utf8.Valid(body) {
		response.Body = ptr(string(body))
	} else {
		response.BodyBase64 = ptr(base64.StdEncoding.EncodeToString(a.ResponseBody))
	}
	return response
}

// wholeRunes leaves out the beginning of a character at the end of text.
func wholeRunes(text []byte) []byte {
	for back := 1; back <= min(utf8.UTFMax-1, len(text)); back++ {
		tail := text[len(text)-back:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return text[:len(text)-back]
			}
			break
		}
	}
	return text
}

func headersOf(head peal.HeaderLines) []headerShape {
	headers := []headerShape{}
	for _, field := range head.Fields() {
		headers = append(headers, headerShape{Name: field[0], Value: field[1]})
	}
	return headers
}

// ms gives milliseconds to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (a *API) listAttempts(c *call) error {
	delivery, err := a.delivery(c)
	if err != nil {
		return err
	}
	attempts, err := a.Store.Attempts(c.context(), c.tenant, delivery.ID)
	if err != nil {
		return err
	}
	list := listShape[attemptShape]{Data: make([]attemptShape, len(attempts))}
	for i := range attempts {
		list.Data[i] = c.attemptOf(&attempts[i])
	}
	return c.json(200, list)
}
