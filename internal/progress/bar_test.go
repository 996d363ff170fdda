package progress_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal/internal/progress"
)

// A terminal sees the bar move and lines in its place; anything else sees lines only.
func TestBar(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			share, text := 0.0, ""
			b := progress.Start(&out, terminal, func() (float64, string) { return share, text })
			time.Sleep(time.Second) // with nothing to show
			b.Begin(func() { share, text = 0.25, "copying" })
			b.Update(func() { share = 0.5 })
			time.Sleep(time.Second)
			b.End(func() string { text = ""; return "copied 7 rows" })
			b.Stop()
			got := out.String()
			if !terminal && got != "copied 7 rows\n" {
				t.Errorf("without a terminal it writes %q", got)
			}
			if terminal && (!strings.HasPrefix(got, "\r\x1b[K[######..................]  25 %  copying\r") || !strings.Contains(got, " 50 %  copying") || !strings.HasSuffix(got, "\r\x1b[Kcopied 7 rows\n")) {
				t.Errorf("on a terminal it writes %q", got)
			}
		})
	}
	progress.Start(nil, false, nil).Stop()
}
