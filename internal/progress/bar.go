// Package progress shows the progress of long work: a bar on a terminal, lines elsewhere.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Bar is a progress bar in the last line of a terminal. Create one with [Start].
type Bar struct {
	out      io.Writer
	terminal bool
	look     func() (share float64, text string)
	quit     chan struct{}
	done     chan struct{}

	mu    sync.Mutex
	shown bool // the bar is on the terminal
}

// Start starts a bar, which is shown only on a terminal. out may be nil. look returns the
// finished share of the work, 0 to 1, and the text beside the bar; "" shows no bar. It is
// called under the lock that [Bar.Update] holds. The caller must call [Bar.Stop].
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

// Update calls change under the lock of the bar, for variables that look reads.
func (b *Bar) Update(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// Begin calls change like [Bar.Update], and draws the bar at once.
func (b *Bar) Begin(change func()) {
	b.Update(func() {
		change()
		if b.terminal {
			b.draw()
		}
	})
}

// End calls change like [Bar.Update] and replaces the bar by the line that it returns.
func (b *Bar) End(change func() (line string)) {
	b.Update(func() {
		b.clear()
		fmt.Fprintln(b.out, change())
	})
}

// Stop removes the bar and waits for its goroutine.
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
