// Package refusals counts what quotas refuse. Stores and the engine enforce different
// quotas and count in one metric.
package refusals

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// Counter counts refusals by quota.
type Counter struct{ vector *prometheus.CounterVec }

// New returns the counter of a registerer, which all who ask share; one of its own for nil.
func New(registerer prometheus.Registerer) (*Counter, error) {
	vector := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "peal", Name: "quota_refusals_total", Help: "What quotas refused, by quota.",
	}, []string{"quota"})
	if registerer != nil {
		err := registerer.Register(vector)
		var there prometheus.AlreadyRegisteredError
		if errors.As(err, &there) {
			vector = there.ExistingCollector.(*prometheus.CounterVec)
		} else if err != nil {
			return nil, err
		}
	}
	for _, quota := range peal.AllQuotas() { // a series that appears with its first refusal hides it from rates
		vector.WithLabelValues(string(quota))
	}
	return &Counter{vector}, nil
}

// Count counts an error that is the refusal of a quota, and no other one.
func (c *Counter) Count(err error) {
	var refused *peal.Error
	if errors.As(err, &refused) && refused.Quota != "" {
		c.vector.WithLabelValues(refused.Quota).Inc()
	}
}
