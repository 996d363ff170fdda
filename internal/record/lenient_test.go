package record_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// A duration beyond what there is reads as the longest one, and comes back.
func TestDurationsOutOfRange(t *testing.T) {
	whole := record.AppendAttempt(nil, &peal.Attempt{ID: peal.NewAttemptID()})
	start := 1 + len(peal.AttemptID{}) + 3 // after the flags, the number and the start
	for _, micros := range []int64{1 << 62, -1 << 62, 1<<63 - 1, -1 << 63} {
		b := binary.AppendVarint(append([]byte{}, whole[:start]...), micros)
		b = append(b, whole[start+1:]...)
		a, err := record.ParseAttempt(b)
		if err != nil || a.Timing.Wait > 0 != (micros > 0) || a.Timing.Wait.Abs() < 100*365*24*time.Hour {
			t.Errorf("%d µs are read as %s, %v", micros, a.Timing.Wait, err)
		}
		again, err := record.ParseAttempt(record.AppendAttempt(nil, &a))
		if err != nil || again.Timing.Wait != a.Timing.Wait {
			t.Errorf("%d µs come back as %s, %v", micros, again.Timing.Wait, err)
		}
	}
}

// A webhook with any stored content can be listed, and is valid or disabled.
func FuzzDecodeWebhook(f *testing.F) {
	f.Add(`{"url":"https://example.com","events":["*"],"format":"standard","timeout_us":15000000,"status":"active"}`, []byte(`{"secrets":["whsec_x"]}`), false)
	f.Add(`{"timeout_us":1e99,"events":7,"status":"active"}`, []byte(`{}`), false)
	f.Add(`{"timeout_us":-9223372036854775808,"retry_policy":{"Delays":[-1]}}`, []byte(`[]`), false)
	f.Add(`{"url":`, []byte(``), false)
	f.Fuzz(func(t *testing.T, settings string, confidential []byte, _ bool) {
		w := peal.Webhook{ID: peal.WebhookID{1}, Tenant: "default", Revision: 3}
		if err := record.DecodeWebhook(&w, record.Webhook{Settings: settings, Confidential: confidential}, nil); err != nil {
			t.Fatal(err)
		}
		if w.Timeout != 0 && (w.Timeout < peal.MinTimeout || w.Timeout > peal.MaxTimeout) || w.RetryPolicy != nil && w.RetryPolicy.Validate() != nil {
			t.Errorf("out of range: %+v", w)
		}
		if w.ID != (peal.WebhookID{1}) || w.Tenant != "default" || w.Revision != 3 {
			t.Errorf("it is another webhook: %+v", w)
		}
		source := peal.Source{ID: peal.SourceID{1}, Tenant: "default", Name: "n"}
		if err := record.DecodeSource(&source, record.Source{Settings: settings, Secrets: confidential}, nil); err != nil || source.Name != "n" {
			t.Fatal(err)
		}
		if _, err := record.DecodeFilterErrors(settings); err != nil {
			t.Fatal(err)
		}
		record.ReadAttempt(confidential)
	})
}
