package api

import (
	"bytes"
	"fmt"

	"github.com/prometheus/common/expfmt"
)

// metrics writes what the server counts in the text format of Prometheus.
func (a *API) metrics(c *call) error {
	if a.Metrics == nil {
		return c.text("text/plain", nil)
	}
	families, err := a.Metrics.Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return c.text("text/plain; version=0.0.4; charset=utf-8", text.Bytes())
}
