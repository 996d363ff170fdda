package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDays bounds days, so that they fit into a duration.
const maxDays = 36_500

// ParseDuration reads what [time.ParseDuration] reads, and whole days: 7d.
func ParseDuration(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.Atoi(days)
	if err != nil || n > maxDays || n < -maxDays {
		return 0, fmt.Errorf("%q is not a number of days", text)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// own are the variables that are no settings: of the command line and of its tests.
var own = []string{"PEAL_CONFIG", "PEAL_URL", "PEAL_KEY", "PEAL_KEY_FILE", "PEAL_TENANT"}

var ownPrefix = regexp.MustCompile(`^PEAL_(TEST|BENCH|SCREENSHOTS|SQLITE_TEST|CRASH)`)

// UnknownVariables lists the variables of an environment that look like settings and are none,
// each with the setting that it is nearest to.
func UnknownVariables(environment []string) (unknown []string) {
	known := slices.Clone(own)
	for _, o := range Options() {
		known = append(known, o.Env)
		if o.Secret {
			known = append(known, o.Env+"_FILE")
		}
	}
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "PEAL_") && !slices.Contains(known, name) && !ownPrefix.MatchString(name) {
			unknown = append(unknown, name+closest(name, known))
		}
	}
	slices.Sort(unknown)
	return unknown
}

// Closest returns the name that an unknown one is nearest to; "" when none is near.
func Closest(name string, candidates []string) string {
	best, nearest := "", 3
	for _, candidate := range candidates {
		if d := distance(name, candidate); d < nearest {
			best, nearest = candidate, d
		}
	}
	return best
}
