package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// number formats a number with separated thousands.
func (t *texts) number(n int) string {
	digits := strconv.Itoa(max(n, -n))
	var b strings.Builder
	if n < 0 {
		b.WriteString("−")
	}
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(t.get("format.thousands"))
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// decimal formats a number with a number of decimals.
func (t *texts) decimal(n float64, decimals int) string {
	return strings.Replace(strconv.FormatFloat(n, 'f', decimals, 64), ".", t.get("format.decimal"), 1)
}

// percent formats a fraction as a percentage, rounded down. Only 1 is 100 %, and only 0 is 0 %.
func (t *texts) percent(part float64) string {
	const slack = 1e-9 // 0.29*1000 is a little less than 290
	switch {
	case part >= 1:
		return "100 %"
	case part <= 0:
		return "0 %"
	case part < 0.001:
		return "< " + t.decimal(0.1, 1) + " %"
	case part > 0.999:
		return t.decimal(min(99.99, math.Floor(part*1e4+slack)/100), 2) + " %"
	}
	return t.decimal(math.Floor(part*1e3+slack)/10, 1) + " %"
}

// duration formats a duration: 0.2 ms, 18 ms, 1.4 s, 1 min 40 s, 30 min, 2 h, 4 d.
func (t *texts) duration(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d < 100*time.Microsecond:
		return "< " + t.decimal(0.1, 1) + " ms"
	case d < 10*time.Millisecond:
		return strings.TrimSuffix(t.decimal(math.Floor(float64(d)/1e5)/10, 1), t.get("format.decimal")+"0") + " ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < time.Minute:
		return strings.TrimSuffix(t.decimal(math.Floor(d.Seconds()*10)/10, 1), t.get("format.decimal")+"0") + " s"
	case d < time.Hour:
		return twoUnits(d, time.Minute, " min", time.Second, " s")
	case d < 48*time.Hour:
		return twoUnits(d, time.Hour, " h", time.Minute, " min")
	}
	return twoUnits(d, 24*time.Hour, " "+t.get("format.days"), time.Hour, " h")
}

// twoUnits formats a duration in a unit, with the smaller unit if it matters.
func twoUnits(d, large time.Duration, name string, small time.Duration, smallName string) string {
	text := strconv.Itoa(int(d/large)) + name
	if rest := int(d % large / small); rest > 0 && d < 10*large {
		text += " " + strconv.Itoa(rest) + smallName
	}
	return text
}

// latency formats a class of latencies: up to 1 ms, 5–30 min, 500 ms–1 s, over 2 h.
func (t *texts) latency(class peal.LatencyRange) string {
	from, to := t.duration(class.Over), t.duration(class.Within)
	switch {
	case class.Over == 0:
		return t.get("format.within", "time", to)
	case class.Within == 0:
		return t.get("format.over", "time", from)
	}
	if number, unit, _ := strings.Cut(from, " "); strings.HasSuffix(to, " "+unit) {
		from = number
	}
	return from + "–" + to
}

// ago formats the time since at in one unit.
func (t *texts) ago(at, now time.Time) string {
	if at.IsZero() {
		return "–"
	}
	d := now.Sub(at)
	switch {
	case d < time.Second:
		return t.get("format.now")
	case d < time.Minute:
		return t.get("format.ago", "time", strconv.Itoa(int(d.Seconds()))+" s")
	case d < time.Hour:
		return t.get("format.ago", "time", strconv.Itoa(int(d.Minutes()))+" min")
	case d < 48*time.Hour:
		return t.get("format.ago", "time", strconv.Itoa(int(d.Hours()))+" h")
	}
	return t.get("format.ago", "time", strconv.Itoa(int(d.Hours()/24))+" "+t.get("format.days"))
}

// countdown formats the time until at as minutes and seconds.
func countdown(at, now time.Time) string {
	left := max(0, at.Sub(now).Round(time.Second))
	if left >= time.Hour {
		return fmt.Sprintf("%d:%02d:%02d", int(left.Hours()), int(left.Minutes())%60, int(left.Seconds())%60)
	}
	return fmt.Sprintf("%02d:%02d", int(left.Minutes()), int(left.Seconds())%60)
}

// size formats a number of bytes.
func (t *texts) size(n int) string {
	switch {
	case n < 10_000:
		return t.count("format.bytes", n)
	case n < 1<<20:
		return t.decimal(float64(n)/1024, 1) + " KiB"
	}
	return t.decimal(float64(n)/(1<<20), 1) + " MiB"
}

// target returns the host and path of a webhook's URL.
func target(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	rest, _, _ = strings.Cut(rest, "?")
	return strings.TrimSuffix(rest, "/")
}

// called returns the long title of a webhook: its name, or else the host and the path of its URL.
// [peal.Webhook.Title] is shorter.
func called(w peal.Webhook) string {
	if w.Name != "" {
		return w.Name
	}
	return target(w.URL)
}

// pill is a status on a page: a word, and the class of its colour.
type pill struct{ Word, Class string }
