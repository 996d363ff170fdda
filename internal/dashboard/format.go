package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// number writes a number with its thousands apart.
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

// decimal writes a number with as many decimals.
func (t *texts) decimal(n float64, decimals int) string {
	return strings.Replace(strconv.FormatFloat(n, 'f', decimals, 64), ".", t.get("format.decimal"), 1)
}

// percent writes a part of one; what is not all never reads as all.
func (t *texts) percent(part float64) string {
	switch {
	case part >= 1:
		return "100 %"
	case part > 0.999:
		return t.decimal(math.Floor(part*1e4)/100, 2) + " %"
	}
	return t.decimal(math.Floor(part*1e3)/10, 1) + " %"
}

// duration writes how long something took: 0.2 ms, 18 ms, 1.4 s, 3 min, 2 h, 4 d.
func (t *texts) duration(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d < 10*time.Millisecond:
		return t.decimal(float64(d)/1e6, 1) + " ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < 100*time.Second:
		return strings.TrimSuffix(t.decimal(d.Seconds(), 1), t.get("format.decimal")+"0") + " s"
	case d < 100*time.Minute:
		return strconv.Itoa(int(d.Round(time.Minute).Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Round(time.Hour).Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " " + t.get("format.days")
}

// ago writes how long before now something was, in one unit.
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

// countdown writes the time until a moment as minutes and seconds.
func countdown(at, now time.Time) string {
	left := max(0, at.Sub(now).Round(time.Second))
	if left >= time.Hour {
		return fmt.Sprintf("%d:%02d:%02d", int(left.Hours()), int(left.Minutes())%60, int(left.Seconds())%60)
	}
	return fmt.Sprintf("%02d:%02d", int(left.Minutes()), int(left.Seconds())%60)
}

// exact writes a moment to the millisecond in UTC; the browser puts it in its own zone.
func exact(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// size writes a number of bytes.
func (t *texts) size(n int) string {
	switch {
	case n < 10_000:
		return t.count("format.bytes", n)
	case n < 1<<20:
		return t.decimal(float64(n)/1024, 1) + " KiB"
	}
	return t.decimal(float64(n)/(1<<20), 1) + " MiB"
}

// target is a webhook's URL as people know it: host and path.
func target(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	rest, _, _ = strings.Cut(rest, "?")
	return strings.TrimSuffix(rest, "/")
}

// host is only the host of a webhook's URL.
func host(url string) string {
	name, _, _ := strings.Cut(target(url), "/")
	return name
}

// pill is a status as every page shows it: a word, and the class of its colour.
type pill struct{ Word, Class string }

func (t *texts) deliveryPill(status peal.DeliveryStatus) pill {
	class := map[peal.DeliveryStatus]string{peal.Pending: "wait", peal.Success: "ok", peal.Failed: "bad", peal.Canceled: "held"}[status]
	return pill{t.get("status." + string(status)), class}
}

// webhookPill is the webhook's status: failing where it is active and its last attempt
// has failed.
func (t *texts) webhookPill(w *peal.Webhook, pending int) pill {
	switch {
	case w.Status == peal.Paused && pending > 0:
		return pill{t.get("status.paused_held", "n", t.number(pending)), "held"}
	case w.Status == peal.Paused:
		return pill{t.get("status.paused"), "held"}
	case w.Status == peal.Disabled:
		return pill{t.get("status.disabled"), "held"}
	case !w.Health.FailingSince.IsZero():
		return pill{t.get("status.failing"), "bad"}
	}
	return pill{t.get("status.active"), "ok"}
}
