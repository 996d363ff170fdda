package transfer

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress shows how far a run is: a bar on a terminal, and a line for each table.
type progress struct {
	out      io.Writer
	terminal bool
	quit     chan struct{}
	done     chan struct{}

	mu          sync.Mutex
	total, rows int64
	begun       time.Time
	title       string
	shown       bool // a bar stands in the line
}

func startProgress(o *Options, total int64) *progress {
	p := &progress{out: o.Progress, terminal: o.Terminal, quit: make(chan struct{}), done: make(chan struct{}), total: total, begun: time.Now()}
	if p.out == nil {
		p.out = io.Discard
	}
	go p.redraw()
	return p
}

// redraw moves the bar.
func (p *progress) redraw() {
	defer close(p.done)
	if !p.terminal {
		<-p.quit
		return
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		case <-p.quit:
			return
		}
	}
}

func (p *progress) draw() {
	share := min(float64(p.rows)/float64(max(p.total, 1)), 1)
	const width = 24
	full := int(share * width)
	left := ""
	if spent := time.Since(p.begun); share > 0.02 && share < 1 {
		left = ", " + time.Duration(float64(spent)*(1-share)/share).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %3.0f %%  %s, %d rows%s", strings.Repeat("#", full), strings.Repeat(".", width-full), 100*share, p.title, p.rows, left)
	p.shown = true
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

func (p *progress) begin(table string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.title = table
}

func (p *progress) add(rows int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows += rows
}

func (p *progress) end(c Counted) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, "%-12s %9d rows, %9d written\n", c.Name, c.Rows, c.Written)
}

// stop ends the bar and waits for its end.
func (p *progress) stop() {
	close(p.quit)
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}
