package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// span is the period of a page's statistics, divided into bars.
type span struct {
	Name  string
	Width peal.BucketWidth // of the buckets to read
	Bar   time.Duration
	Bars  int
}

// spans are the periods that a page offers.
var spans = []span{
	{"1h", peal.PerMinute, time.Minute, 60},
	{"24h", peal.PerHour, time.Hour, 24},
	{"7d", peal.PerHour, 6 * time.Hour, 28},
	{"30d", peal.PerDay, 24 * time.Hour, 30},
}

// spanOf returns the span with a name; a day if there is none.
func spanOf(name string) span {
	for _, s := range spans {
		if s.Name == name {
			return s
		}
	}
	return spans[1]
}

// since returns the start of the first bar; the last bar contains now.
func (s span) since(now time.Time) time.Time {
	return now.Truncate(s.Bar).Add(-time.Duration(s.Bars-1) * s.Bar)
}

// series holds the counts by bar.
type series struct {
	span  span
	since time.Time
	bars  []peal.DeliveryCounts
	total peal.DeliveryCounts
}

func newSeries(s span, now time.Time) *series {
	return &series{span: s, since: s.since(now), bars: make([]peal.DeliveryCounts, s.Bars)}
}

func (s *series) add(b *peal.StatsBucket) {
	i := int(b.Start.Sub(s.since) / s.span.Bar)
	if b.Start.Before(s.since) || i >= len(s.bars) {
		return
	}
	s.bars[i].Add(&b.DeliveryCounts)
	s.total.Add(&b.DeliveryCounts)
}

// Measures of the chart: its bars end at chartFloor and are at most chartHeight high.
const (
	chartWidth  = 640.0
	chartFloor  = 168.0
	chartHeight = 148.0
)

type chart struct {
	Label string
	Lines []chartLine
	Bars  []chartBar
	Marks []chartMark
	Rows  []chartRow
}

type chartLine struct{ Y, TextY, Text string }

type chartBar struct{ X, Width, Good, GoodY, Fail, FailY, Title string }

type chartMark struct{ X, Anchor, Text string }

type chartRow struct {
	At                  time.Time
	Delivered, Failures int
	Success             string
}

// draw returns a chart of a series: deliveries that succeeded, with failures on top. Its times are
// in a zone, but a bar of a day is a day in UTC, because days are counted so.
func (t *texts) draw(s *series, zone *time.Location) chart {
	most := 0
	for i := range s.bars {
		most = max(most, s.bars[i].Delivered+s.bars[i].FailedAttempts())
	}
	top, step := scale(most)
	c := chart{Label: t.get("chart.label", "delivered", t.number(s.total.Delivered), "failures", t.number(s.total.FailedAttempts()))}
	for n := step; n <= top; n += step {
		y := chartFloor - chartHeight*float64(n)/float64(top)
		c.Lines = append(c.Lines, chartLine{coordinate(y), coordinate(y + 4), t.shortNumber(n)})
	}
	slot := chartWidth / float64(len(s.bars))
	width := slot * 0.8
	for i := range s.bars {
		counts := &s.bars[i]
		at := s.since.Add(time.Duration(i) * s.span.Bar)
		row := chartRow{At: at, Delivered: counts.Delivered, Failures: counts.FailedAttempts(), Success: t.success(counts)}
		if row.Delivered+row.Failures > 0 {
			c.Rows = append(c.Rows, row)
		}
		bar := chartBar{X: coordinate(float64(i) * slot), Width: coordinate(width),
			Title: t.get("chart.bar", "from", minute(at, zone), "until", minute(at.Add(s.span.Bar), zone), "delivered", t.number(row.Delivered), "failures", t.number(row.Failures))}
		good := chartHeight * float64(row.Delivered) / float64(top)
		if row.Delivered > 0 {
			good = max(good, 1.5)
			bar.Good, bar.GoodY = coordinate(good), coordinate(chartFloor-good)
		}
		if row.Failures > 0 {
			height := max(chartHeight*float64(row.Failures)/float64(top), 2)
			bar.Fail, bar.FailY = coordinate(height), coordinate(chartFloor-good-height-1)
		}
		c.Bars = append(c.Bars, bar)
	}
	middle := s.since.Add(time.Duration(len(s.bars)/2) * s.span.Bar)
	layout := "15:04"
	if s.span.Bar > time.Hour {
		layout = "2006-01-02 15:04"
	}
	c.Marks = []chartMark{
		{"0", "start", s.since.In(zone).Format(layout)},
		{coordinate(chartWidth / 2), "middle", middle.In(zone).Format(layout)},
		{coordinate(chartWidth), "end", t.get("format.now")},
	}
	return c
}

// scale returns a round number at or above most, and the distance between the lines.
func scale(most int) (top, step int) {
	step = 1
	for i := 0; step*4 < most; i++ {
		step = []int{1, 2, 5}[(i+1)%3] * int(math.Pow10((i+1)/3))
	}
	return max(1, (most+step-1)/step) * step, step
}

func coordinate(n float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", n), "0"), ".")
}

// shortNumber returns a short form of a number, such as 12k for 12000.
func (t *texts) shortNumber(n int) string {
	switch {
	case n >= 1_000_000:
		return strings.TrimSuffix(t.decimal(float64(n)/1e6, 1), t.get("format.decimal")+"0") + "M"
	case n >= 1000:
		return strings.TrimSuffix(t.decimal(float64(n)/1e3, 1), t.get("format.decimal")+"0") + "k"
	}
	return t.number(n)
}

// success returns the percentage of attempts that succeeded.
func (t *texts) success(c *peal.DeliveryCounts) string {
	if part, ok := c.Success(); ok {
		return t.percent(part)
	}
	return "–"
}

// spark is a line as high as a word.
type spark struct {
	Points string
	Bad    bool
}

// sparkOf returns a line of the delivered counts; an empty one if there are none.
func sparkOf(s *series, bad bool) spark {
	most := 0
	for i := range s.bars {
		most = max(most, s.bars[i].Delivered+s.bars[i].FailedAttempts())
	}
	if most == 0 {
		return spark{}
	}
	var points []string
	for i := range s.bars {
		n := s.bars[i].Delivered
		if bad {
			n = s.bars[i].FailedAttempts()
		}
		x, y := 84*float64(i)/float64(len(s.bars)-1), 16-14*float64(n)/float64(most)
		points = append(points, coordinate(x)+","+coordinate(y))
	}
	return spark{strings.Join(points, " "), bad}
}
