package bench

import (
	"math"
	"time"
)

// round keeps four digits that say something.
func round(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(x)))-3)
	if unit >= 1 {
		return math.Round(x)
	}
	return math.Round(x/unit) / math.Round(1/unit)
}

func seconds(d time.Duration) float64 { return round(d.Seconds()) }

// part gives a/b, or 0 when there is no b.
func part(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
