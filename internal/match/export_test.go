package match

import (
	"context"
	"runtime"
	"time"

	"github.com/pealhq/peal"
)

// What the tests take for an oracle.
var Decode = decode

// Encode writes a value as a transform's result is written.
func Encode(value any, limit int) ([]byte, error) {
	e := encoder{limit: limit}
	err := e.value(value, 0)
	return e.out, err
}

// Spent is the cost of a run of a program.
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
	m := new(meter)
	m.reset(context.Background(), context.Background(), work, time.Hour)
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

// FilterPrices lists the functions of filters that are allowed, and the others.
func FilterPrices() (allowed, refused []string) {
	for name, price := range filterPrices {
		if price.refused == "" {
			allowed = append(allowed, name)
		} else {
			refused = append(refused, name)
		}
	}
	return allowed, refused
}

// MeasureFilter runs a filter once, with no bound but its work, and measures it. Its
// data is read before.
func MeasureFilter(text string, facts *Facts, work int) (Spent, error) {
	limits := DefaultLimits()
	limits.FilterWork, limits.FilterTime = work, time.Hour
	f, err := compileFilter(text, limits)
	if err != nil {
		return Spent{}, err
	}
	if _, err := facts.environment(); err != nil {
		return Spent{}, err
	}
	m := new(meter)
	m.reset(context.Background(), context.Background(), work, time.Hour)
	spent := measure(func() error {
		_, err := f.runOn(m, facts)
		return err
	})
	spent.Units = work - m.work
	return spent, nil
}

// DecodedSize is the estimate of what data takes, and what reading it really allocates.
func DecodedSize(data []byte) (estimate, allocated int) {
	spent := measure(func() error {
		value, err := decode(data)
		plainNumbers(value)
		return err
	})
	return decodedSize(data), spent.Bytes
}

// Compiled returns the estimated memory of compiled programs.
func Compiled() int {
	compiledCache.mu.Lock()
	defer compiledCache.mu.Unlock()
	return compiledCache.bytes
}

// CompiledSize compiles a filter or a transform and returns what it counts as.
func CompiledSize(w *peal.Webhook) (program any, bytes int, err error) {
	if w.Filter != "" {
		f, err := compileFilter(w.Filter, DefaultLimits())
		if err != nil {
			return nil, 0, err
		}
		return f, f.bytes, nil
	}
	p, err := CompileProgram("transform", w.Transform, DefaultLimits())
	if err != nil {
		return nil, 0, err
	}
	return p, p.bytes, nil
}
