package dashboard_test

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
)

// TestFigures holds that a figure never says more than is known: what is not all is not 100 %,
// what is something is not 0, and a class is shown as a class.
func TestFigures(t *testing.T) {
	english, err := dashboard.FiguresIn("en")
	if err != nil {
		t.Fatal(err)
	}
	german, err := dashboard.FiguresIn("de")
	if err != nil {
		t.Fatal(err)
	}
	const min, h, d = time.Minute, time.Hour, 24 * time.Hour
	for _, one := range []struct{ got, want string }{
		{english.Percent(1), "100 %"}, {english.Percent(0), "0 %"}, {english.Percent(0.9996), "99.96 %"}, {english.Percent(0.999999), "99.99 %"},
		{english.Percent(0.9989), "99.8 %"}, {english.Percent(0.29), "29.0 %"}, {english.Percent(0.00001), "< 0.1 %"}, {english.Percent(0.001), "0.1 %"},
		{german.Percent(0.9996), "99,96 %"}, {german.Percent(0.00001), "< 0,1 %"},
		{english.Success(&peal.DeliveryCounts{}), "–"}, {english.Success(&peal.DeliveryCounts{Answered: 1}), "100 %"},
		{english.Duration(0), "< 0.1 ms"}, {english.Duration(40 * time.Microsecond), "< 0.1 ms"}, {english.Duration(9960 * time.Microsecond), "9.9 ms"},
		{english.Duration(18 * time.Millisecond), "18 ms"}, {english.Duration(999900 * time.Microsecond), "999 ms"}, {english.Duration(time.Second), "1 s"},
		{english.Duration(59990 * time.Millisecond), "59.9 s"}, {english.Duration(100 * time.Second), "1 min 40 s"}, {english.Duration(30 * min), "30 min"},
		{english.Duration(100 * min), "1 h 40 min"}, {english.Duration(47 * h), "47 h"}, {english.Duration(2*d + 23*h), "2 d 23 h"}, {german.Duration(40*d + h), "40 T"},
		{english.Latency(peal.LatencyRange{Within: time.Millisecond}), "up to 1 ms"}, {english.Latency(peal.LatencyRange{Over: 5 * min, Within: 30 * min}), "5–30 min"},
		{english.Latency(peal.LatencyRange{Over: 500 * time.Millisecond, Within: time.Second}), "500 ms–1 s"}, {english.Latency(peal.LatencyRange{Over: 2 * h}), "over 2 h"},
		{german.Latency(peal.LatencyRange{Over: 2 * h}), "über 2 h"},
	} {
		if one.got != one.want {
			t.Errorf("the figure is %q, want %q", one.got, one.want)
		}
	}
}
