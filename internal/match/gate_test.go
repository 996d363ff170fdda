package match_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// However many programs run at once, they take no more memory than all may together.
func TestProgramsShareTheirMemory(t *testing.T) {
	if racing {
		t.Skip("the race detector takes memory too")
	}
	programs := []string{
		`("%999Y" * 400000) as $f | 0 | strftime($f) | length`, `[range(1e9) | {a: .}] | length`, `"x" * 3000000`,
		`reduce range(1e9) as $i ([]; . + [$i]) | length`, `[range(1e9) | [.]] | length`, `("{}," * 300000) | "[" + . + "{}]" | fromjson | length`,
	}
	var routes []*match.Route
	for _, program := range programs {
		routes = append(routes, compile(t, "", program, match.DefaultLimits()))
	}
	source := event(wide(`{"":0}`))
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // little garbage: what is measured lives
	var running sync.WaitGroup
	ended := make(chan struct{})
	for i := range 60 {
		running.Go(func() {
			purse := match.NewPurse(context.Background(), context.Background(), fmt.Sprint("tenant-", i%7)).Patient()
			defer purse.Close()
			routes[i%len(routes)].Transform(purse, source)
		})
	}
	go func() { running.Wait(); close(ended) }()
	most := uint64(0)
	for {
		select {
		case <-ended:
			t.Logf("60 programs took at most %d MiB", most>>20)
			if most > match.MaxMemory*5/4 {
				t.Errorf("60 programs took %d MiB at once, want at most %d", most>>20, match.MaxMemory>>20)
			}
			return
		case <-time.After(time.Millisecond):
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
		}
	}
}

// The long programs of a tenant take turns with those of others, for any number of them.
func TestTenantsTakeTurns(t *testing.T) {
	limits := match.DefaultLimits()
	hostile := compile(t, "", `[range(1e9)] | length`, limits)
	limits.TransformTime = time.Hour
	patient := compile(t, "", `[range(30000)] | length`, limits)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var running sync.WaitGroup
	started := make(chan struct{}, 100)
	for range 40 {
		running.Go(func() {
			started <- struct{}{}
			for ctx.Err() == nil {
				transformUnder(ctx, hostile, event(`1`))
			}
		})
	}
	for range 40 {
		<-started
	}
	purse := match.NewPurse(context.Background(), context.Background(), "other")
	defer purse.Close()
	begun := time.Now()
	if got, err := patient.Transform(purse, event(`1`)); err != nil || string(got) != "30000" {
		t.Errorf("a long program beside them: %s, %v", got, err)
	}
	took := time.Since(begun)
	cancel()
	running.Wait()
	if took > 10*time.Second { // without turns, 40 runs of 250 ms come before it
		t.Errorf("the turn of another tenant came after %v", took)
	}
}

// Only so many requests of a tenant wait for a turn; who gives up leaves nothing behind.
func TestWaitingIsBounded(t *testing.T) {
	limits := match.DefaultLimits()
	limits.TransformTime = time.Hour
	route := compile(t, "", `[range(1e9)] | length`, limits)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const requests = 120
	results := make(chan error, requests)
	for range requests {
		go func() {
			purse := match.NewPurse(ctx, context.Background(), "many")
			defer purse.Close()
			for purse.Err() == nil {
				route.Transform(purse, event(`1`))
			}
			results <- purse.Err()
		}()
	}
	if err := <-results; peal.CodeOf(err) != peal.RateLimited {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range requests - 1 {
		<-results
	}
	if _, err := transform(compile(t, "", `[range(20000)] | length`, limits), event(`1`)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
