package postgres_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/postgres"
)

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	store := open(t, postgres.Options{URL: shared.Database(t), Metrics: registry, Connections: 5})
	defer store.Close()
	node := peal.NewNodeID()
	if _, err := store.RegisterNode(t.Context(), peal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	value := func(name string) (sum float64, series int) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != name {
				continue
			}
			for _, m := range f.Metric {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
			}
			return sum, len(f.Metric)
		}
		t.Fatalf("there is no %s", name)
		return 0, 0
	}
	before, _ := value("peal_store_batch_size")
	for range 3 {
		if _, err := store.Insert(t.Context(), node, 0, []peal.Insertion{aged(0)}); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := value("peal_store_batch_size"); after != before+3 {
		t.Errorf("three inserts made the sum of the batches' sizes %v from %v", after, before)
	}
	if sum, _ := value("peal_store_transaction_seconds"); sum <= 0 {
		t.Error("transactions took no time")
	}
	if n, series := value("peal_store_connections"); n < 1 || n > 5 || series != 3 {
		t.Errorf("%v connections in %d states", n, series)
	}
	if most, _ := value("peal_store_connections_most"); most != 5 {
		t.Errorf("there may be %v connections", most)
	}
	value("peal_store_connection_waits_total")
	value("peal_store_connection_wait_seconds_total")
	if _, err := postgres.Open(t.Context(), postgres.Options{URL: shared.Database(t), Metrics: registry}); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a second store in one registry: %v", err)
	}
}
