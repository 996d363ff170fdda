package bench

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress shows how far a run is: a bar on a terminal, lines elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	options  *Options
	quit     chan struct{}
	done     chan struct{}

	mu       sync.Mutex
	total    time.Duration // estimated, of all scenarios
	before   time.Duration // of those that have ended
	now      time.Duration // of the one under way
	begun    time.Time     // of the one under way
	title    string
	shown    bool // a bar stands in the line
	finished int
	count    int
}

func startProgress(o *Options, chosen []scenario) *progress {
	p := &progress{out: o.Progress, terminal: o.Terminal, options: o, quit: make(chan struct{}), done: make(chan struct{}), count: len(chosen)}
	if p.out == nil {
		p.out = io.Discard
	}
	for _, s := range chosen {
		p.total += s.estimate(o)
	}
	go p.redraw()
	return p
}

// redraw moves the bar while a scenario runs.
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
	if p.title == "" {
		return
	}
	done := p.before + min(time.Since(p.begun), p.now)
	share := min(float64(done)/float64(max(p.total, 1)), 1)
	const width = 24
	full := int(share * width)
	fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %3.0f %%  %s", strings.Repeat("#", full), strings.Repeat(".", width-full), 100*share, p.title)
	p.shown = true
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

func (p *progress) begin(s *scenario) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.begun, p.title = s.estimate(p.options), time.Now(), s.title
	if p.terminal {
		p.draw()
	}
}

func (p *progress) end(s *Scenario) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.before += p.now
	p.title = ""
	p.finished++
	main := ""
	if len(s.Figures) > 0 {
		f := &s.Figures[0]
		main = fmt.Sprintf(": %s %s", f.Name, f.text())
	}
	fmt.Fprintf(p.out, "[%d/%d] %s%s\n", p.finished, p.count, s.Title, main)
}

// stop ends the bar and waits for its end.
func (p *progress) stop() {
	close(p.quit)
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}
