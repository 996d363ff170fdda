// Package progress shows how far long work is: a bar on a terminal, lines elsewhere.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Bar is the last line of a terminal while something runs. Make one with [Start].
type Bar struct {
	out      io.Writer
	terminal bool
	look     func() (share float64, text string)
	quit     chan struct{}
	done     chan struct{}

	mu    sync.Mutex
	shown bool // it stands in the line
}

// Start begins a bar, which moves only on a terminal. out may be nil. look tells which
// part of the work is done, 0 to 1, and what stands beside the bar; "" shows no bar.
// It is called under the lock that [Bar.Update] holds. Whoever starts a bar stops it.
func Start(out io.Writer, terminal bool, look func() (share float64, text string)) *Bar {
	if out == nil {
		out = io.Discard
	}
	b := &Bar{out: out, terminal: terminal, look: look, quit: make(chan struct{}), done: make(chan struct{})}
	go b.run()
	return b
}

func (b *Bar) run() {
	defer close(b.done)
	if !b.terminal {
		<-b.quit
		return
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.Update(b.draw)
		case <-b.quit:
			return
		}
	}
}

// Update changes what the bar shows.
func (b *Bar) Update(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// Begin changes what the bar shows, and shows it at once.
func (b *Bar) Begin(change func()) {
	b.Update(func() {
		change()
		if b.terminal {
			b.draw()
		}
	})
}

// End changes what the bar shows and puts a line in its place, which stays.
func (b *Bar) End(change func() (line string)) {
	b.Update(func() {
		b.clear()
		fmt.Fprintln(b.out, change())
	})
}

// Stop takes the bar away, and waits for its end.
func (b *Bar) Stop() {
	close(b.quit)
	<-b.done
	b.Update(b.clear)
}

func (b *Bar) draw() {
	share, text := b.look()
	if text == "" {
		return
	}
	const width = 24
	full := int(share * width)
	fmt.Fprintf(b.out, "\r\x1b[K[%s%s] %3.0f %%  %s", strings.Repeat("#", full), strings.Repeat(".", width-full), 100*share, text)
	b.shown = true
}

func (b *Bar) clear() {
	if b.shown {
		fmt.Fprint(b.out, "\r\x1b[K")
		b.shown = false
	}
}
