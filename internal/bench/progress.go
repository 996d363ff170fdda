package bench

import (
	"fmt"
	"time"

	bar "github.com/pealhq/peal/internal/progress"
)

// progress shows how far a run is, by the time that its scenarios should take.
type progress struct {
	bar      *bar.Bar
	options  *Options
	total    time.Duration // estimated, of all scenarios
	before   time.Duration // of those that have ended
	now      time.Duration // of the one under way
	begun    time.Time     // of the one under way
	title    string
	finished int
	count    int
}

func startProgress(o *Options, chosen []scenario) *progress {
	p := &progress{options: o, count: len(chosen)}
	for _, s := range chosen {
		p.total += s.estimate(o)
	}
	p.bar = bar.Start(o.Progress, o.Terminal, func() (float64, string) {
		done := p.before + min(time.Since(p.begun), p.now)
		return min(float64(done)/float64(max(p.total, 1)), 1), p.title
	})
	return p
}

func (p *progress) begin(s *scenario) {
	p.bar.Begin(func() { p.now, p.begun, p.title = s.estimate(p.options), time.Now(), s.title })
}

func (p *progress) end(s *Scenario) {
	p.bar.End(func() string {
		p.before += p.now
		p.title = ""
		p.finished++
		main := ""
		if len(s.Figures) > 0 {
			f := &s.Figures[0]
			main = fmt.Sprintf(": %s %s", f.Name, f.text())
		}
		return fmt.Sprintf("[%d/%d] %s%s", p.finished, p.count, s.Title, main)
	})
}

// stop ends the bar and waits for its end.
func (p *progress) stop() { p.bar.Stop() }
