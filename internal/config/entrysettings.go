package config

import (
	"math"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

func (e *entry) events(v place) error {
	values := []place{v}
	if v.Kind != yaml.ScalarNode {
		var err error
		if values, err = e.list(v, "event types or patterns, or a single one"); err != nil {
			return err
		}
	}
	for _, value := range values {
		pattern, err := e.text(value)
		if err != nil {
			return err
		}
		e.into.Settings.Events = append(e.into.Settings.Events, pattern)
	}
	return nil
}

func (e *entry) headers(v place) error {
	if v.Kind != yaml.MappingNode {
		return e.wrong(v, "must be names of headers and their values")
	}
	e.into.Settings.Headers = make(map[string]string)
	fields := make(map[string]func(place) error)
	for i := 0; i < len(v.Content); i += 2 {
		name := v.Content[i].Value
		fields[name] = func(v place) (err error) {
			e.into.rows[len(e.into.rows)-1].Value = redacted
			e.into.Settings.Headers[name], err = e.text(v)
			return err
		}
	}
	return e.mapping(v, "names of headers and their values", fields)
}

func (e *entry) extraPayload(v place) error {
	if v.Kind != yaml.MappingNode {
		return e.wrong(v, "must be names and values")
	}
	text, err := e.json(nil, v.Node, v.name, 0)
	if err != nil {
		return err
	}
	e.into.Settings.ExtraPayload = text
	e.show(v, string(text))
	return nil
}

func (e *entry) timeout(v place) error {
	ms, err := e.whole(v)
	if ms <= 0 && err == nil {
		return e.wrong(v, "must be from %d to %d", peal.MinTimeout.Milliseconds(), peal.MaxTimeout.Milliseconds())
	}
	e.into.Settings.Timeout = time.Duration(ms) * time.Millisecond
	return err
}

func (e *entry) handshake(v place) (err error) {
	e.into.Settings.Handshake, err = strconv.ParseBool(v.Value)
	if v.Kind != yaml.ScalarNode || err != nil {
		return e.wrong(v, "must be true or false")
	}
	return nil
}

func (e *entry) rateLimit(v place) error {
	limit := &peal.RateLimit{Burst: 1}
	e.into.Settings.RateLimit = limit
	return e.mapping(v, "per_second and burst", map[string]func(place) error{
		"per_second": func(v place) (err error) { limit.PerSecond, err = e.number(v); return err },
		"burst":      func(v place) (err error) { limit.Burst, err = e.whole(v); return err },
	})
}

func (e *entry) retryPolicy(v place) error {
	e.changes = []func(*peal.RetryPolicy){}
	change := func(c func(*peal.RetryPolicy)) { e.changes = append(e.changes, c) }
	return e.mapping(v, "delays_seconds and so on", map[string]func(place) error{
		"delays_seconds": func(v place) error {
			values, err := e.list(v, "seconds")
			if err != nil {
				return err
			}
			delays := make([]time.Duration, len(values))
			for i, value := range values {
				if delays[i], err = e.seconds(value); err != nil {
					return err
				}
			}
			change(func(p *peal.RetryPolicy) { p.Delays = slices.Clone(delays) })
			return nil
		},
		"jitter": func(v place) error {
			jitter, err := e.number(v)
			change(func(p *peal.RetryPolicy) { p.Jitter = jitter })
			return err
		},
		"disable_after_exhausted": func(v place) error {
			n, err := e.whole(v)
			change(func(p *peal.RetryPolicy) { p.DisableAfterExhausted = n })
			return err
		},
		"disable_after_seconds": func(v place) error {
			d, err := e.seconds(v)
			change(func(p *peal.RetryPolicy) { p.DisableAfterFailing = d })
			return err
		},
	})
}

// seconds reads a duration, to the millisecond. What a duration cannot hold becomes
// one that breaks every limit.
func (e *entry) seconds(v place) (time.Duration, error) {
	const most = math.MaxInt64 / 1e9 / 2
	n, err := e.number(v)
	return time.Duration(math.Round(max(-most, min(most, n))*1000)) * time.Millisecond, err
}
