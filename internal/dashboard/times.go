package dashboard

import (
	"bytes"
	"html"
	"html/template"
	"regexp"
	"strings"
	"time"
)

// Every time on a page is a time element. Templates write the time in UTC and its format;
// [showTimes] adds the rest after rendering, because templates do not know the reader's zone.
// Foreign text cannot look like such an element, because its < is escaped.

// timeAs is the format of a time on a page.
type timeAs string

const (
	asFull  timeAs = "full"  // 2026-11-30 09:30:00.250 +01:00
	asShort timeAs = "short" // 09:30 today, 2026-11-29 09:30 before
	asClock timeAs = "clock" // 09:30:00
	asAgo   timeAs = "ago"   // the text of the template, such as "5 min ago"
	asLeft  timeAs = "left"  // the time until then: 04:59
)

// timeElement returns a time element as templates write it.
func timeElement(at time.Time, as timeAs, text string) template.HTML {
	if at.IsZero() {
		return "–"
	}
	return template.HTML(timeStart + iso(at) + timeMiddle + string(as) + `">` + html.EscapeString(text) + "</time>")
}

const (
	timeStart  = `<time datetime="`
	timeMiddle = `" data-as="`
)

// iso formats a time for programs.
func iso(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// exact formats a time to the millisecond with its offset from UTC.
func exact(at time.Time, zone *time.Location) string {
	if zone == time.UTC {
		return at.UTC().Format("2006-01-02 15:04:05.000 UTC")
	}
	return at.In(zone).Format("2006-01-02 15:04:05.000 -07:00")
}

// minute formats a time to the minute, with its offset from UTC.
func minute(at time.Time, zone *time.Location) string {
	if zone == time.UTC {
		return at.UTC().Format("2006-01-02 15:04 UTC")
	}
	return at.In(zone).Format("2006-01-02 15:04 -07:00")
}

// showTimes completes the time elements of a rendered page in the reader's zone.
func showTimes(rendered []byte, zone *time.Location, now time.Time) []byte {
	if !bytes.Contains(rendered, []byte(timeStart)) {
		return rendered
	}
	out := make([]byte, 0, len(rendered)+len(rendered)/8)
	for {
		before, rest, found := bytes.Cut(rendered, []byte(timeStart))
		out = append(out, before...)
		if !found {
			return out
		}
		text, rest, _ := bytes.Cut(rest, []byte(timeMiddle))
		as, rest, _ := bytes.Cut(rest, []byte(`">`))
		rendered = rest
		at, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil {
			continue // not written by a template
		}
		out = append(out, timeStart...)
		out = append(out, text...)
		out = append(out, `" title="`+exact(at, time.UTC)+`"`...)
		local := at.In(zone)
		switch timeAs(as) {
		case asAgo:
			out = append(out, ` data-ago>`...)
		case asLeft:
			out = append(out, ` data-until="`...)
			out = append(out, text...)
			out = append(out, `">`+countdown(at, now)...)
		case asClock:
			out = append(out, ">"+local.Format("15:04:05")...)
		case asShort:
			layout := "2006-01-02 15:04"
			if local.Format(time.DateOnly) == now.In(zone).Format(time.DateOnly) {
				layout = "15:04"
			}
			out = append(out, ">"+local.Format(layout)...)
		default:
			out = append(out, ">"+exact(at, zone)...)
		}
	}
}

// written matches an RFC 3339 time in a sentence.
var written = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)`)

// timed returns a sentence with the times in it as time elements.
func timed(sentence string) template.HTML {
	var b strings.Builder
	for {
		place := written.FindStringIndex(sentence)
		if place == nil {
			b.WriteString(html.EscapeString(sentence))
			return template.HTML(b.String())
		}
		b.WriteString(html.EscapeString(sentence[:place[0]]))
		text := sentence[place[0]:place[1]]
		if at, err := time.Parse(time.RFC3339Nano, text); err != nil {
			b.WriteString(html.EscapeString(text))
		} else {
			b.WriteString(string(timeElement(at, asFull, "")))
		}
		sentence = sentence[place[1]:]
	}
}
