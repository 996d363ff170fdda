package maintenance

import "context"

// index turns the search index on or off, and indexes batch after batch until nothing is left.
func (m *Maintenance) index(ctx context.Context) error {
	if !m.options.IsFirst() {
		m.isSwitched = false // the first node's options count
		return nil
	}
	on := m.options.Search
	if !m.isSwitched {
		if err := m.store.SetSearch(ctx, on); err != nil {
			return err
		}
		m.isSwitched = true
	}
	for on && ctx.Err() == nil {
		batch, err := m.store.Index(ctx)
		if err != nil {
			return err
		}
		m.metrics.indexed.Add(float64(batch.Events))
		if !batch.More {
			return nil
		}
		pause(ctx, breather*batch.Held)
	}
	return ctx.Err()
}
