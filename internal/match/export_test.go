package match

import (
	"context"
	"runtime"
	"time"
)

// What the tests take for an oracle.
var Decode = decode

// Encode writes a value as a transform's result is written.
func Encode(value any, limit int) ([]byte, error) {
	e := encoder{limit: limit}
	err := e.value(value, 0)
	return e.out, err
}

// Spent is what a run of a program cost.
type Spent struct {
	Units int
	Bytes int // allocated, garbage included
	Time  time.Duration
	Err   error
}

// JQPrices lists the functions of jq, as name/arity, that programs may use, and the others.
func JQPrices() (allowed, refused []string) {
	for name, price := range jqPrices {
		if price.refused == "" {
			allowed = append(allowed, name)
		} else {
			refused = append(refused, name)
		}
	}
	return allowed, refused
}

// MeasureProgram runs a program once, with no bound but its work, and measures it.
func MeasureProgram(text string, input map[string]any, work int) (Spent, error) {
	limits := DefaultLimits()
	limits.TransformWork, limits.TransformTime = work, time.Hour
	p, err := CompileProgram("transform", text, limits)
	if err != nil {
		return Spent{}, err
	}
	m := newMeter(context.Background(), work, time.Hour)
	spent := measure(func() error {
		_, err := p.runOn(m, input)
		return err
	})
	spent.Units = work - m.work
	return spent, nil
}

func measure(run func() error) Spent {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	err := run()
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	return Spent{Bytes: int(after.TotalAlloc - before.TotalAlloc), Time: took, Err: err}
}
