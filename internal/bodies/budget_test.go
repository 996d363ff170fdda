package bodies_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
)

const most = 64 << 20

func key(name string) bodies.Holder    { return bodies.Holder{Kind: bodies.Key, Name: name} }
func source(name string) bodies.Holder { return bodies.Holder{Kind: bodies.Source, Name: name} }
func address(name string) bodies.Holder {
	return bodies.Holder{Kind: bodies.Address, Name: name}
}

// fill takes pieces of 64 KiB until it is refused, and returns how much fitted and why no more.
func fill(open func(i int) bodies.Account) (taken int64, code peal.ErrorCode) {
	const piece = 64 << 10
	for i := 0; ; i++ {
		a := open(i)
		if err := a.Take(piece); err != nil {
			return taken, peal.CodeOf(err)
		}
		taken += piece
	}
}

// TestShares has each kind of holder take all that it gets; one more of another name still
// gets its own.
func TestShares(t *testing.T) {
	for name, c := range map[string]struct {
		open  func(b *bodies.Budget, i int) bodies.Account
		least int64 // of the budget, in 1/64
		most  int64
		code  peal.ErrorCode
	}{
		"a tenant with many keys": {func(b *bodies.Budget, i int) bodies.Account { return b.Known("a", key(strconv.Itoa(i))) }, 15, 16, peal.RateLimited},
		"a key of a tenant":       {func(b *bodies.Budget, _ int) bodies.Account { return b.Known("a", key("k")) }, 11, 12, peal.RateLimited},
		"an operator's key":       {func(b *bodies.Budget, _ int) bodies.Account { return b.Known("", key("k")) }, 15, 16, peal.RateLimited},
		"a source":                {func(b *bodies.Budget, i int) bodies.Account { return b.Unknown(source("s"), address(strconv.Itoa(i))) }, 15, 16, peal.RateLimited},
		"an address":              {func(b *bodies.Budget, i int) bodies.Account { return b.Unknown(source(strconv.Itoa(i)), address("x")) }, 15, 16, peal.RateLimited},
		"all strangers together": {func(b *bodies.Budget, i int) bodies.Account {
			n := strconv.Itoa(i)
			return b.Unknown(source(n), address(n))
		}, 32, 32, peal.Unavailable},
		"a thousand tenants": {func(b *bodies.Budget, i int) bodies.Account { n := strconv.Itoa(i); return b.Known(n, key(n)) }, 47, 48, peal.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b := bodies.New(most)
			taken, code := fill(func(i int) bodies.Account { return c.open(b, i) })
			if taken < c.least<<20 || taken > c.most<<20 || code != c.code {
				t.Errorf("took %d MiB and was refused as %s, want %d to %d MiB and %s", taken>>20, code, c.least, c.most, c.code)
			}
			other := b.Known("other", key("other"))
			if err := other.Take(16 << 10); err != nil {
				t.Errorf("a small body of somebody else: %v", err)
			}
			if other.Close(); b.Used() != taken {
				t.Errorf("%d bytes are used, %d were taken", b.Used(), taken)
			}
		})
	}
}

// TestOneBodyAloneFits accepts the largest body with any budget.
func TestOneBodyAloneFits(t *testing.T) {
	b := bodies.New(1000)
	a := b.Known("a", key("k"))
	if err := a.Take(5000); err != nil {
		t.Error(err)
	}
	next := b.Known("b", key("k"))
	if err := next.Take(1); !errors.Is(err, bodies.ErrFull) {
		t.Errorf("a second one: %v", err)
	}
	a.Close()
	if err := next.Take(1); err != nil {
		t.Error(err)
	}
}

// TestBudgetAddsUp opens, takes, charges and closes at random: nothing is lost, and nothing
// goes past the budget but what was charged by force.
func TestBudgetAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 1 << 20
		b := bodies.New(most)
		var open []*bodies.Account
		held, used := map[*bodies.Account]int64{}, int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			bytes := rapid.Int64Range(0, most/8).Draw(t, "bytes")
			switch name := strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "name")); rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				a := b.Known(name, key(name+"k"))
				open = append(open, &a)
			case 1:
				a := b.Unknown(source(name), address(name))
				open = append(open, &a)
			case 2, 3:
				if len(open) == 0 {
					continue
				}
				a := open[len(open)-1]
				if alone := used == held[a]; a.Take(bytes) == nil {
					if held[a], used = held[a]+bytes, used+bytes; used > most && !alone {
						t.Fatalf("%d bytes of %d are used", used, most)
					}
				}
			case 4:
				if len(open) == 0 {
					continue
				}
				a := open[0]
				a.Close()
				used, open = used-held[a], slices.Delete(open, 0, 1)
			}
			if b.Used() != used {
				t.Fatalf("%d bytes are used, want %d", b.Used(), used)
			}
		}
		for _, a := range open {
			a.Close()
		}
		if b.Used() != 0 {
			t.Fatalf("%d bytes stay used", b.Used())
		}
	})
}

// TestReadChargesWhatCame announces much and sends little.
func TestReadChargesWhatCame(t *testing.T) {
	for name, c := range map[string]struct {
		length, limit int64
		sent          int
		least, most   int64 // of what is charged while the rest is awaited
	}{
		"nothing":             {8 << 20, 8 << 20, 0, 0, 16 << 10},
		"a little":            {8 << 20, 8 << 20, 10_000, 10_000, 16 << 10},
		"some":                {8 << 20, 8 << 20, 100_000, 100_000, 128 << 10},
		"an eighth":           {8 << 20, 8 << 20, 1<<20 + 1, 1 << 20, 8 << 20},
		"no length, a little": {-1, 8 << 20, 10_000, 10_000, 16 << 10},
		"no length, much":     {-1, 8 << 20, 3 << 20, 3 << 20, 4 << 20},
		"a small body":        {300, 8 << 20, 0, 0, 300},
	} {
		t.Run(name, func(t *testing.T) {
			b := bodies.New(most)
			a := b.Known("a", key("k"))
			var charged int64
			body := &paused{rest: make([]byte, c.sent), pause: func() { charged = b.Used() }}
			if _, err := a.Read(body, c.length, c.limit); !errors.Is(err, errPaused) {
				t.Fatalf("the pause gives %v", err)
			}
			if charged < c.least || charged > c.most {
				t.Errorf("%d bytes are charged, want %d to %d", charged, c.least, c.most)
			}
		})
	}
}

var errPaused = errors.New("paused")

// paused is a body that stops in the middle.
type paused struct {
	rest  []byte
	pause func()
}

// Read returns 4 KiB at a time, as a connection does.
func (p *paused) Read(into []byte) (int, error) {
	if len(p.rest) == 0 {
		p.pause()
		return 0, errPaused
	}
	n := copy(into[:min(len(into), 4<<10)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// TestRead reads bodies of all sizes around those at which the memory grows.
func TestRead(t *testing.T) {
	const limit = 5 << 20
	for _, size := range []int{0, 1, 100, 16<<10 - 1, 16 << 10, 16<<10 + 1, 32 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20, limit, limit + 1} {
		want := bytes.Repeat([]byte{'x', 'y', 'z'}, size/3+1)[:size]
		for _, length := range []int64{int64(size), -1} {
			b := bodies.New(most)
			a := b.Known("a", key("k"))
			got, err := a.Read(bytes.NewReader(want), length, limit)
			switch {
			case size > limit:
				if !errors.Is(err, bodies.ErrTooLarge) {
					t.Errorf("%d bytes announced as %d: %v", size, length, err)
				}
			case err != nil || !bytes.Equal(got, want) || cap(got)-len(got) > len(got)/2+8:
				t.Errorf("%d bytes announced as %d: got %d of %d, %v", size, length, len(got), cap(got), err)
			case b.Used() < int64(cap(got)):
				t.Errorf("%d bytes announced as %d: %d are charged", size, length, b.Used())
			}
			if a.Close(); b.Used() != 0 {
				t.Errorf("%d bytes stay charged", b.Used())
			}
		}
		a := bodies.New(most).Unknown()
		if _, err := a.Read(bytes.NewReader(want), int64(size)+1, limit+2); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes of %d: %v", size, size+1, err)
		}
	}
}

// TestManyAtOnce has requests take and give back at once.
func TestManyAtOnce(t *testing.T) {
	b := bodies.New(most)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for range 100 {
				a := b.Known(strconv.Itoa(i%7), key(strconv.Itoa(i)))
				if _, err := a.Read(bytes.NewReader(make([]byte, 40_000)), 40_000, 1<<20); err != nil {
					t.Error(err)
				}
				a.Close()
			}
		})
	}
	if all.Wait(); b.Used() != 0 {
		t.Errorf("%d bytes stay charged", b.Used())
	}
}
