package peal_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
)

// uuid reads the usual text of a UUID.
func uuid(t *testing.T, text string) (id peal.EventKey) {
	t.Helper()
	if n, err := hex.Decode(id[:], []byte(strings.ReplaceAll(text, "-", ""))); n != 16 || err != nil {
		t.Fatalf("%q is no UUID", text)
	}
	return id
}

// The suffixes and UUIDs are the test vectors of the TypeID specification.
func TestIDTextIsTypeID(t *testing.T) {
	for suffix, text := range map[string]string{
		"00000000000000000000000001": "00000000-0000-0000-0000-000000000001",
		"0000000000000000000000000a": "00000000-0000-0000-0000-00000000000a",
		"0000000000000000000000000g": "00000000-0000-0000-0000-000000000010",
		"00000000000000000000000010": "00000000-0000-0000-0000-000000000020",
		"7zzzzzzzzzzzzzzzzzzzzzzzzz": "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"0123456789abcdefghjkmnpqrs": "0110c853-1d09-52d8-d73e-1194e95b5f19",
		"01h455vb4pex5vsknk084sn02q": "01890a5d-ac96-774b-bcce-b302099a8057",
	} {
		id := uuid(t, text)
		if got := id.String(); got != "event_"+suffix {
			t.Errorf("%s is written %s, want event_%s", text, got, suffix)
		}
		if got, err := peal.ParseEventKey("event_" + suffix); got != id || err != nil {
			t.Errorf("event_%s is read as %v, %v", suffix, got, err)
		}
	}
}

func TestIDTextsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "event", "event_", "_01h455vb4pex5vsknk084sn02q", "01h455vb4pex5vsknk084sn02q",
		"webhook_01h455vb4pex5vsknk084sn02q", "events_01h455vb4pex5vsknk084sn02q", "Event_01h455vb4pex5vsknk084sn02q",
		"event_01h455vb4pex5vsknk084sn02", "event_01h455vb4pex5vsknk084sn02qq", "event__1h455vb4pex5vsknk084sn02q",
		"event_8zzzzzzzzzzzzzzzzzzzzzzzzz", "event_z1h455vb4pex5vsknk084sn02q", "event_01H455VB4PEX5VSKNK084SN02Q",
		"event_0123456789-ABCDEFGHJKMNPQRS", "event_i23456789ol23456789oi23456", "event_01h455vb4pex5vsknk084sn02u",
		" event_01h455vb4pex5vsknk084sn02q", "event_01h455vb4pex5vsknk084sn02\x00", "event_01h455vb4pex5vsknk084sn02é",
	} {
		if id, err := peal.ParseEventKey(text); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("%q is read as %v, %v", text, id, err)
		}
	}
}

func TestIDsGoThroughJSON(t *testing.T) {
	type record struct {
		Webhook  peal.WebhookID  `json:"webhook"`
		Delivery peal.DeliveryID `json:"delivery"`
	}
	want := record{Webhook: peal.NewWebhookID()}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"webhook":"`+want.Webhook.String()+`","delivery":""}` {
		t.Errorf("%s, %v", text, err)
	}
	got := record{Delivery: peal.NewDeliveryID()}
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if err := json.Unmarshal([]byte(`{"webhook":"`+peal.NewKeyID().String()+`"}`), &got); err == nil {
		t.Error("a key's id was read as a webhook's")
	}
}

func TestEveryKindOfIDHasItsPrefix(t *testing.T) {
	for prefix, text := range map[string]string{
		"event_": peal.NewEventKey().String(), "webhook_": peal.NewWebhookID().String(), "delivery_": peal.NewDeliveryID().String(),
		"attempt_": peal.NewAttemptID().String(), "key_": peal.NewKeyID().String(), "node_": peal.NewNodeID().String(), "job_": peal.NewJobID().String(),
	} {
		if !strings.HasPrefix(text, prefix) || len(text) != len(prefix)+26 {
			t.Errorf("%q should begin with %q", text, prefix)
		}
	}
	var none peal.WebhookID
	if !none.IsZero() || none.String() != "" || !none.Time().IsZero() {
		t.Errorf("the zero ID is %q of %v", none, none.Time())
	}
	for _, parse := range []func(string) error{
		func(s string) error { _, err := peal.ParseWebhookID(s); return err },
		func(s string) error { _, err := peal.ParseDeliveryID(s); return err },
		func(s string) error { _, err := peal.ParseKeyID(s); return err },
	} {
		if parse(peal.NewEventKey().String()) == nil {
			t.Error("an event's key was read as another kind")
		}
	}
}

// IDs increase strictly, however many are made at once, and are UUIDs of version 7.
func TestIDsIncrease(t *testing.T) {
	const workers, each = 4, 5000
	made := make([][]peal.DeliveryID, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for range each {
				made[worker] = append(made[worker], peal.NewDeliveryID())
			}
		})
	}
	group.Wait()
	seen := make(map[[8]byte]bool)
	for _, ids := range made {
		for i, id := range ids {
			if i > 0 && id.Compare(ids[i-1]) != 1 {
				t.Fatalf("%v was made after %v", id, ids[i-1])
			}
			head := [8]byte(id[:8])
			if seen[head] {
				t.Fatalf("two IDs have the time of %v", id)
			}
			seen[head] = true
			if id[6]>>4 != 7 || id[8]>>6 != 0b10 {
				t.Fatalf("% x is no UUID of version 7", id)
			}
		}
	}
}

func TestIDTimeIsWhenItWasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The process has made IDs at later times than the bubble's: leave them behind.
		time.Sleep(100 * 365 * 24 * time.Hour)
		for _, wait := range []time.Duration{0, time.Microsecond, 3 * time.Microsecond, 999 * time.Microsecond, time.Millisecond, 77777 * time.Microsecond, time.Hour} {
			time.Sleep(wait)
			first := peal.NewEventKey()
			if wait > 0 && !first.Time().Equal(time.Now()) {
				t.Errorf("made at %v, says %v", time.Now(), first.Time())
			}
			if first.Time().Location() != time.UTC {
				t.Errorf("the time is in %v", first.Time().Location())
			}
			if second := peal.NewEventKey(); second.Compare(first) != 1 {
				t.Errorf("%v is not after %v, made at the same moment", second, first)
			}
		}
	})
}

func TestIDTimeGivesTheMicrosecondBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := time.UnixMicro(rapid.Int64Range(1, 253402300799999999).Draw(t, "microseconds"))
		floor := peal.FloorID[peal.WebhookID](moment)
		if !floor.Time().Equal(moment) {
			t.Fatalf("the floor of %v says %v", moment.UTC(), floor.Time())
		}
		var any peal.WebhookID
		copy(any[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		any[6], any[8] = any[6]&0xf|0x70, any[8]&0x3f|0x80
		if late := any.Time().Add(-time.Microsecond); peal.FloorID[peal.WebhookID](late).Compare(any) > 0 {
			t.Fatalf("%v says that it was made at %v", any, any.Time())
		}
		if next := any.Time().Add(time.Microsecond); peal.FloorID[peal.WebhookID](next).Compare(any) < 0 {
			t.Fatalf("%v is not before %v", any, next)
		}
		if parsed, err := peal.ParseWebhookID(any.String()); parsed != any || err != nil {
			t.Fatalf("%v is read as %v, %v", any, parsed, err)
		}
	})
}

func TestIDsSortAsTheirTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ids []peal.KeyID
		for _, b := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 16, 16), 2, 20).Draw(t, "ids") {
			ids = append(ids, peal.KeyID(b))
		}
		slices.SortFunc(ids, peal.KeyID.Compare)
		for i := range ids[1:] {
			if ids[i+1].Compare(ids[i]) < 0 || !ids[i].IsZero() && ids[i+1].String() < ids[i].String() {
				t.Fatalf("%v and %v", ids[i], ids[i+1])
			}
		}
	})
}
