package config

import (
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

func (e *entry) headers(v place) (err error) {
	e.into.Settings.Headers, err = e.item.headers(v)
	return err
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

func (e *entry) retryPolicy(v place) (err error) {
	e.into.Policy, err = e.policy(v)
	return err
}
