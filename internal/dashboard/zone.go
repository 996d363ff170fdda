package dashboard

import (
	"net/http"
	"strings"
	"time"
	_ "time/tzdata" // every reader's zone is known on any server
)

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
