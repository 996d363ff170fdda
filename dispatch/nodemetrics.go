package dispatch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// nodeMetrics tell how this node stands among the others.
type nodeMetrics struct {
	fences, taken prometheus.Counter
}

func newNodeMetrics(m *member, registerer prometheus.Registerer) (*nodeMetrics, error) {
	n := &nodeMetrics{
		fences: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "peal", Name: "node_fences_total", Help: "How often this node stopped sending because it could not renew its registration in time, or others had taken over.",
		}),
		taken: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "peal", Name: "node_taken_over_total", Help: "Deliveries of nodes that were gone which this node let go of.",
		}),
	}
	if registerer == nil {
		return n, nil
	}
	age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "peal", Name: "node_heartbeat_age_seconds", Help: "Time since this node asked for its latest renewal that succeeded.",
	}, func() float64 {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.renewed.IsZero() {
			return 0
		}
		return time.Since(m.renewed).Seconds()
	})
	nodes := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "peal", Name: "nodes", Help: "Registered nodes, as this one last saw them.",
	}, func() float64 { return float64(len(m.known())) })
	sending := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "peal", Name: "node_sending", Help: "1 while this node may send, 0 while it is fenced.",
	}, func() float64 {
		if m.engine.scheduler.context().Err() != nil {
			return 0
		}
		return 1
	})
	for _, collector := range []prometheus.Collector{n.fences, n.taken, age, nodes, sending} {
		if err := registerer.Register(collector); err != nil {
			return nil, err
		}
	}
	return n, nil
}
