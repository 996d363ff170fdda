package transfer

import (
	"fmt"
	"time"

	bar "github.com/pealhq/peal/internal/progress"
)

// progress shows how far a run is, by the rows that it has come through, and a line for
// each table.
type progress struct {
	bar         *bar.Bar
	total, rows int64
	begun       time.Time
	title       string
}

func startProgress(o *Options, total int64) *progress {
	p := &progress{total: total, begun: time.Now()}
	p.bar = bar.Start(o.Progress, o.Terminal, p.look)
	return p
}

func (p *progress) look() (share float64, text string) {
	share = min(float64(p.rows)/float64(max(p.total, 1)), 1)
	left := ""
	if spent := time.Since(p.begun); share > 0.02 && share < 1 {
		left = ", " + time.Duration(float64(spent)*(1-share)/share).Round(time.Second).String() + " left"
	}
	return share, fmt.Sprintf("%s, %d rows%s", p.title, p.rows, left)
}

func (p *progress) begin(table string) { p.bar.Update(func() { p.title = table }) }

func (p *progress) add(rows int64) { p.bar.Update(func() { p.rows += rows }) }

func (p *progress) end(c Counted) {
	p.bar.End(func() string { return fmt.Sprintf("%-12s %9d rows, %9d written", c.Name, c.Rows, c.Written) })
}

// stop ends the bar and waits for its end.
func (p *progress) stop() { p.bar.Stop() }
