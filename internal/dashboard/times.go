package dashboard

import (
	"bytes"
	"html"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // every reader's zone is known on any server

	"github.com/pealhq/peal"
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

// The cookies of the reader's time zone. The scripts store the browser's zone in the first; the
// second holds the zone that a person chose, which has precedence. Both affect only how times are
// shown, and only the name of a known zone is used.
const (
	zoneFound  = "peal_zone"
	zoneChosen = "peal_zone_chosen"
	hostPrefix = "__Host-" // browsers then refuse a neighbor domain's cookie (RFC 6265bis, section 4.1.3)
)

// zoneNamed returns the time zone with a name from the tz database, such as Europe/Berlin.
func zoneNamed(name string) (*time.Location, bool) {
	const longest = 64
	if name == "" || name == "Local" || len(name) > longest {
		return nil, false // special names of package time
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// zoneOf returns the zone for the times of a request, and whether a person chose it. It is UTC
// until it is known.
func zoneOf(r *http.Request) (zone *time.Location, chosen bool) {
	for _, name := range []string{hostPrefix + zoneChosen, zoneChosen, hostPrefix + zoneFound, zoneFound} {
		cookies := r.CookiesNamed(name)
		if len(cookies) != 1 {
			continue // of two with the same name, one is foreign
		}
		if zone, ok := zoneNamed(cookies[0].Value); ok {
			return zone, strings.HasSuffix(name, zoneChosen)
		}
	}
	return time.UTC, false
}

// zoneLabel returns a zone with its offset at a time, such as "Europe/Berlin (UTC+01:00)".
func zoneLabel(zone *time.Location, at time.Time) string {
	if zone == time.UTC {
		return "UTC"
	}
	return zone.String() + " (UTC" + at.In(zone).Format("-07:00") + ")"
}

// localTime is the layout of a local time that browsers send in a form.
const localTime = "2006-01-02T15:04"

// clockChange is the effect of a clock change in a zone on a local time.
type clockChange string

const (
	clockOnce    clockChange = ""        // it is exactly one time
	clockSkipped clockChange = "skipped" // the clocks skip it: there is no such time
	clockTwice   clockChange = "twice"   // the clocks show it twice
)

// readLocal parses a local time of a form in a zone. If the clocks show it twice, late selects the
// later one; if they skip it, the result is the time of the change.
func readLocal(text string, zone *time.Location, late bool) (time.Time, clockChange, error) {
	wall, err := time.Parse(localTime, text)
	if err != nil {
		return time.Time{}, clockOnce, err
	}
	// The offsets before and after any change near it: no zone has two changes within a day.
	offsetAt := func(at time.Time) time.Duration {
		_, seconds := at.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	before, after := offsetAt(wall.Add(-24*time.Hour)), offsetAt(wall.Add(24*time.Hour))
	first, second := wall.Add(-before), wall.Add(-after)
	shows := func(at time.Time) bool { return at.In(zone).Format(localTime) == wall.Format(localTime) }
	switch one, other := shows(first), shows(second); {
	case one && other && !first.Equal(second):
		if late {
			return second, clockTwice, nil
		}
		return first, clockTwice, nil
	case one:
		return first, clockOnce, nil
	case other:
		return second, clockOnce, nil
	}
	change, _ := first.In(zone).ZoneBounds() // with the old offset it is after the change
	return change.UTC(), clockSkipped, nil
}

// chooseZone remembers the zone that a person chose; an empty one is the browser's.
func (d *Dashboard) chooseZone(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	name := strings.TrimSpace(c.r.PostFormValue("zone"))
	if _, ok := zoneNamed(name); name != "" && !ok {
		return peal.Errorf(peal.Invalid, "%s", c.texts.get("zone.unknown", "zone", name))
	}
	if c.portal != nil {
		d.identity.KeepInPortal(c.w, c.r, zoneChosen, name)
	} else {
		cookie := &http.Cookie{Name: zoneChosen, Value: name, Path: "/", HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteLaxMode}
		if cookie.MaxAge = int(365 * 24 * time.Hour / time.Second); name == "" {
			cookie.MaxAge = -1
		}
		if cookie.Secure {
			cookie.Name = hostPrefix + zoneChosen
		}
		http.SetCookie(c.w, cookie)
	}
	lead(c.w, c.r, localPath(c.r.PostFormValue("back")))
	return nil
}

// formZone returns the zone of a form's times: the one of its page, even if the reader has chosen
// another since.
func (c *call) formZone() *time.Location {
	if zone, ok := zoneNamed(c.r.PostFormValue("zone")); ok {
		return zone
	}
	return c.zone
}
