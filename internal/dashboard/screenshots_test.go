package dashboard_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	shots "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestScreenshots writes a picture of each page into the folder that PEAL_SCREENSHOTS
// names: light and dark, wide and narrow.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("PEAL_SCREENSHOTS")
	if folder == "" {
		t.Skip("no pictures were wanted: make screenshots does")
	}
	s := startServer(t)
	data := seed(t, s)
	b := openBrowser(t, s)
	for _, theme := range []string{"light", "dark"} {
		b.run(chromedp.Evaluate[chromedp.Void](`document.cookie = "peal_theme=` + theme + `; path=/"`))
		for _, width := range []int64{1320, 390} {
			size := map[int64]string{1320: "wide", 390: "narrow"}[width]
			b.run(chromedp.EmulateViewport(width, 900))
			for name, path := range pagesOf(data) {
				if only := os.Getenv("PEAL_SCREENSHOTS_ONLY"); only != "" && !strings.Contains(only, name) {
					continue
				}
				b.open(path)
				if strings.HasSuffix(path, "/new") || strings.HasSuffix(path, "/edit") {
					b.run(chromedp.WaitVisible(`#preview pre`))
				}
				picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, name+"-"+theme+"-"+size+".png"), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// pictures are those of the README: what is on a screen of some size, in points.
var pictures = []struct {
	name, page, theme string
	width, height     int64
}{
	{"overview", "overview", "light", 1320, 880},
	{"delivery", "delivery", "dark", 1320, 860},
	{"webhook-form", "webhook-edit", "light", 1320, 900},
	{"phone-webhooks", "webhooks", "dark", 390, 760},
	{"phone-delivery", "delivery", "light", 390, 760},
}

// maxPicture is the most that a picture of the README may weigh, in bytes.
const maxPicture = 150 << 10

// TestPictures writes the pictures of the README into the folder that PEAL_PICTURES names.
func TestPictures(t *testing.T) {
	folder := os.Getenv("PEAL_PICTURES")
	if folder == "" {
		t.Skip("no pictures were wanted: make screenshots does")
	}
	s := startServer(t)
	paths := pagesOf(seed(t, s))
	b := openBrowser(t, s)
	for _, p := range pictures {
		b.run(chromedp.Evaluate[chromedp.Void](`document.cookie = "peal_theme=`+p.theme+`; path=/"`), chromedp.EmulateViewport(p.width, p.height, chromedp.EmulateScale(1.5)))
		b.open(paths[p.page])
		if p.page == "webhook-edit" {
			b.run(chromedp.WaitVisible(`#preview pre`))
		}
		quality := int64(80)
		shot, err := chromedp.Call(b.ctx, shots.CaptureScreenshot, shots.CaptureScreenshotParams{Format: shots.CaptureScreenshotFormatWebp, Quality: &quality})
		if err != nil {
			t.Fatal(err)
		}
		if len(shot.Data) > maxPicture {
			t.Errorf("%s has %d bytes", p.name, len(shot.Data))
		}
		if err := os.WriteFile(filepath.Join(folder, p.name+".webp"), shot.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
