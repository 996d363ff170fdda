package peal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pealhq/peal"
)

func TestCountsBinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 1<<40)
		want := peal.DeliveryCounts{Delivered: n.Draw(t, "delivered"), Failed: n.Draw(t, "failed"), Answered: n.Draw(t, "answered")}
		for i := range want.Failures {
			want.Failures[i] = n.Draw(t, "failures")
		}
		for i := range want.Latency {
			want.Latency[i] = n.Draw(t, "latency")
		}
		text, err := want.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got peal.DeliveryCounts
		if err := got.UnmarshalBinary(text); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		err = got.UnmarshalBinary(text[:rapid.IntRange(0, len(text)-1).Draw(t, "cut")])
		want.Failures[len(want.Failures)-1] = 0 // an earlier version wrote all but this
		if err == nil && got != want {
			t.Error("counts that are cut off are read")
		}
	})
}

func TestCountsQuantile(t *testing.T) {
	var c peal.DeliveryCounts
	if _, ok := c.Quantile(0.5); ok {
		t.Error("nothing has a median")
	}
	if _, ok := c.Success(); ok {
		t.Error("nothing has a success rate")
	}
	id := peal.NewDeliveryID()
	for _, after := range []time.Duration{time.Millisecond, 4 * time.Millisecond, 4 * time.Millisecond, 5 * time.Hour} {
		c.Count(&peal.Settlement{
			Attempt: peal.Attempt{DeliveryID: id, Number: 1}, Status: peal.Success, Tries: 1, SettledAt: id.Time().Add(after),
		})
	}
	for part, want := range map[float64]peal.LatencyRange{
		0:    {Within: time.Millisecond},
		0.25: {Within: time.Millisecond},
		0.26: {Over: 2 * time.Millisecond, Within: 5 * time.Millisecond},
		0.75: {Over: 2 * time.Millisecond, Within: 5 * time.Millisecond},
		0.95: {Over: 2 * time.Hour},
		1:    {Over: 2 * time.Hour},
	} {
		if got, ok := c.Quantile(part); got != want || !ok {
			t.Errorf("quantile %v is in %v, want %v", part, got, want)
		}
	}
}
