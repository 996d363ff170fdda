package api

import (
	"time"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

func ptr[T any](value T) *T { return &value }

// timeLayout is the format of the API's times: RFC 3339 in UTC with microseconds.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

func timeText(t time.Time) string { return t.UTC().Format(timeLayout) }

// timeOrNil returns t as text, and nil for the zero time.
func timeOrNil(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return ptr(timeText(t))
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func numberOrNil(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// idOrZero parses the id in a cursor that has been checked; "" is the zero id.
func idOrZero[ID any](text string, parse func(string) (ID, error)) (ID, error) {
	var zero ID
	if text == "" {
		return zero, nil
	}
	return parse(text)
}

// ms returns d in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

type headerShape struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func headersOf(head peal.HeaderLines) []headerShape {
	headers := []headerShape{}
	for _, field := range head.Fields() {
		headers = append(headers, headerShape{Name: field[0], Value: field[1]})
	}
	return headers
}

// authorizationSet replaces an Authorization value, which is never shown.
const authorizationSet = peal.HiddenSecret

// secretSet replaces a secret, which is never shown.
const secretSet = authorizationSet

// short shortens a value that an error repeats.
func short(text string) string {
	const longest = 64
	if len(text) <= longest {
		return text
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
