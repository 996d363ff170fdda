package processor_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/processor"
)

var calm = func() time.Duration { return 0 }

// work holds a turn for some time.
func work(t *testing.T, p *processor.Processor, h processor.Holder, took time.Duration) {
	t.Helper()
	turn := p.Turn(h)
	if err := turn.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(took)
	turn.Leave()
}

// inTest runs a test with a fake clock.
func inTest(t *testing.T, do func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, do)
}

// Who has used much waits for a slot, and nobody else waits for them.
func TestBusyHoldersShareTheSlots(t *testing.T) {
	inTest(t, func(t *testing.T) {
		p := processor.New(2, calm) // one slot
		busy := processor.Tenant("busy")
		if p.IsBusy(busy) {
			t.Error("a new tenant is busy")
		}
		work(t, p, busy, 4*processor.Free)
		if !p.IsBusy(busy) {
			t.Error("a tenant is not busy after 400 ms of work")
		}
		slot := p.Turn(busy)
		if err := slot.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		entered := make(chan struct{})
		second := p.Turn(busy)
		go func() {
			if err := second.Enter(t.Context()); err != nil {
				t.Error(err)
			}
			close(entered)
		}()
		synctest.Wait()
		select {
		case <-entered:
			t.Error("a busy tenant has two slots of one")
		default:
		}
		for i := range 10 { // none of these waits
			work(t, p, processor.Tenant(string(rune('a'+i))), processor.Free/10)
		}
		work(t, p, processor.Holder{}, time.Second)
		slot.Leave()
		<-entered
		second.Leave()
		time.Sleep(4 * processor.HalfLife)
		if p.IsBusy(busy) {
			t.Error("a tenant is busy although it has not worked for four seconds")
		}
	})
}

// The waiting holder that has used least is next, regardless of the order of arrival.
func TestWhoUsedLeastIsNext(t *testing.T) {
	inTest(t, func(t *testing.T) {
		p := processor.New(2, calm)
		names := []string{"most", "more", "least"}
		work(t, p, processor.Tenant("least"), 300*time.Millisecond)
		work(t, p, processor.Tenant("more"), 500*time.Millisecond)
		work(t, p, processor.Tenant("most"), 800*time.Millisecond)
		work(t, p, processor.Tenant("holder"), 200*time.Millisecond)
		slot := p.Turn(processor.Tenant("holder"))
		if err := slot.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		var waiting sync.WaitGroup
		for _, name := range names {
			waiting.Go(func() {
				turn := p.Turn(processor.Tenant(name))
				if err := turn.Enter(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				turn.Leave()
			})
			synctest.Wait()
		}
		slot.Leave()
		waiting.Wait()
		slices.Reverse(names)
		if !slices.Equal(order, names) {
			t.Errorf("the order is %v, want %v", order, names)
		}
	})
}

// Slots rest while goroutines wait long for a processor, and work all the time otherwise.
func TestSlotsRestUnderPressure(t *testing.T) {
	inTest(t, func(t *testing.T) {
		waited := time.Duration(0)
		p := processor.New(2, func() time.Duration { return waited })
		busy := processor.Tenant("busy")
		work(t, p, busy, time.Second)
		rounds := func() (n int) {
			for begun := time.Now(); time.Since(begun) < 5*time.Second; n++ {
				work(t, p, busy, 10*time.Millisecond)
			}
			return n
		}
		if n := rounds(); n != 500 {
			t.Errorf("%d rounds of 10 ms in 5 s without pressure, want 500", n)
		}
		waited = time.Second
		if n := rounds(); n > 100 {
			t.Errorf("%d rounds of 10 ms in 5 s under pressure, want at most 100", n)
		}
		waited = 0
		rounds()
		if n := rounds(); n != 500 {
			t.Errorf("%d rounds of 10 ms in 5 s after the pressure, want 500", n)
		}
	})
}

// Work that takes long rests within, and is charged for what it worked alone.
func TestBreathing(t *testing.T) {
	inTest(t, func(t *testing.T) {
		p := processor.New(2, func() time.Duration { return time.Second })
		work(t, p, processor.Tenant("busy"), time.Second)
		turn := p.Turn(processor.Tenant("busy"))
		if err := turn.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		rested := time.Duration(0)
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			rested += turn.Breathe()
		}
		turn.Leave()
		if rested < 5*time.Second {
			t.Errorf("a second of work under pressure rested %v, want at least 5s", rested)
		}
		time.Sleep(4 * processor.HalfLife)
		if p.IsBusy(processor.Tenant("busy")) {
			t.Error("rest is charged as work")
		}
	})
}

// Who waits is bounded, and may leave at any time.
func TestWaitingIsBounded(t *testing.T) {
	inTest(t, func(t *testing.T) {
		p := processor.New(1, calm)
		busy := processor.Tenant("busy")
		work(t, p, busy, time.Second)
		slot := p.Turn(busy)
		if err := slot.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		for range processor.MaxWaiting {
			waiting.Go(func() {
				if err := p.Turn(busy).Enter(ctx); err != context.Canceled {
					t.Errorf("%v, want that it was canceled", err)
				}
			})
		}
		synctest.Wait()
		if err := p.Turn(busy).Enter(ctx); peal.CodeOf(err) != peal.RateLimited {
			t.Errorf("%v, want rate_limited", err)
		}
		patient := make(chan error)
		go func() { patient <- p.Turn(busy).Patient().Enter(t.Context()) }()
		synctest.Wait()
		cancel()
		waiting.Wait()
		slot.Leave()
		if err := <-patient; err != nil {
			t.Error(err)
		}
		begun := time.Now()
		if err := p.Turn(busy).Enter(t.Context()); peal.CodeOf(err) != peal.RateLimited || time.Since(begun) != processor.Patience {
			t.Errorf("%v after %v, want rate_limited after %v", err, time.Since(begun), processor.Patience)
		}
	})
}

// Many strangers with little each need slots as one with much does.
func TestStrangersShare(t *testing.T) {
	inTest(t, func(t *testing.T) {
		p := processor.New(2, calm)
		stranger := func(i int) processor.Holder {
			return processor.Address(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32))
		}
		for i := range 10 {
			work(t, p, stranger(i), processor.Free)
		}
		if !p.IsBusy(stranger(1)) {
			t.Error("strangers are not busy although they used a second together")
		}
		if p.IsBusy(processor.Tenant("a")) {
			t.Error("a tenant is busy for what strangers did")
		}
		for i := range 10_000 { // no more accounts than are kept
			work(t, p, stranger(i), time.Microsecond)
		}
		if n := p.Accounts(); n > 5000 {
			t.Errorf("%d accounts are kept", n)
		}
	})
}

// A turn that a context carries ends when the caller is to wait.
func TestRelease(t *testing.T) {
	inTest(t, func(t *testing.T) {
		p := processor.New(1, calm)
		busy := processor.Tenant("busy")
		work(t, p, busy, time.Second)
		turn := p.Turn(busy)
		ctx := processor.With(t.Context(), turn)
		if err := turn.Enter(ctx); err != nil {
			t.Fatal(err)
		}
		processor.Release(ctx)
		processor.Release(t.Context())
		work(t, p, busy, time.Second)
		turn.Leave() // nothing is left to end
		work(t, p, busy, time.Second)
	})
}
