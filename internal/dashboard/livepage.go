package dashboard

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"time"

	"github.com/pealhq/peal"
)

// A live page is first rendered as a whole. Its parts are sent again as they change, and
// static/app.js replaces the element with the id of each. Parts have no input fields, so that typed
// text is never replaced.

// The live parts of pages, by the names of their templates. Each is one element with that id.
var (
	overviewParts = []string{"overview_tiles", "overview_chart", "overview_problems", "overview_webhooks"}
	webhookParts  = []string{"webhook_pill", "webhook_notes", "webhook_tiles", "webhook_chart", "webhook_health", "webhook_deliveries", "webhook_settings", "webhook_actions", "webhook_replays"}
)

// liveParts renders the parts of a page and remembers the last version of each that was sent.
type liveParts struct {
	page  string
	names []string
	sent  map[string][sha256.Size]byte
}

func newLiveParts(page string, names []string) *liveParts {
	return &liveParts{page, names, map[string][sha256.Size]byte{}}
}

// timeTexts matches the texts of times. Browsers update them, so they do not count as changes.
var timeTexts = regexp.MustCompile(`(<time [^>]*>)[^<]*</time>`)

// news returns an event for each part that has changed since it was sent last.
func (l *liveParts) news(c *call, data any) ([]byte, error) {
	frame, err := c.frame("", "")
	if err != nil {
		return nil, err
	}
	set, err := c.d.pages.set(c.texts.language, l.page)
	if err != nil {
		return nil, err
	}
	var events, part bytes.Buffer
	for _, name := range l.names {
		part.Reset()
		if err := set.ExecuteTemplate(&part, name, page{frame, data}); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(timeTexts.ReplaceAll(part.Bytes(), []byte("$1</time>")))
		if l.sent[name] == sum {
			continue
		}
		l.sent[name] = sum
		appendEvent(&events, "part", c.placed(part.Bytes()))
	}
	return events.Bytes(), nil
}

// streamWebhook sends the parts of a webhook's page as they change, until the webhook is deleted.
func (d *Dashboard) streamWebhook(c *call) error {
	if _, err := c.findWebhook(); err != nil {
		return err
	}
	live := newLiveParts("webhook", webhookParts)
	return c.stream(func() ([]byte, error) {
		w, err := c.findWebhook()
		if peal.CodeOf(err) == peal.NotFound {
			return c.webhookGone()
		}
		if err != nil {
			return nil, err
		}
		data, err := c.webhookPage(&w)
		if err != nil {
			return nil, err
		}
		return live.news(c, data)
	})
}

// webhookGone returns the last event of a webhook's page.
func (c *call) webhookGone() ([]byte, error) {
	news, err := newLiveParts("webhook", []string{"webhook_gone"}).news(c, nil)
	if err != nil {
		return nil, err
	}
	events := bytes.NewBuffer(news)
	appendEvent(events, "end", nil)
	return events.Bytes(), errLast
}

// streamOverview sends the parts of the overview as they change.
func (d *Dashboard) streamOverview(c *call) error {
	live := newLiveParts("overview", overviewParts)
	return c.stream(func() ([]byte, error) {
		data, err := c.overviewPage()
		if err != nil || data.Empty {
			return nil, err
		}
		return live.news(c, data)
	})
}

// A stream looks for changes every streamEvery, or less often if a look takes long: looks use at
// most 1/streamShare of its time. It ends after streamLife, before the server's time limit for an
// answer; the browser then opens another.
const (
	streamEvery = time.Second
	streamShare = 20
	streamLife  = 2 * time.Minute
	streamBeat  = 15 * time.Second // the longest silence
)

// errLast, returned by the function news of a stream, ends the stream after that news.
var errLast = errors.New("the last of a stream")

// stream answers with the server-sent events that news returns, while the page is open to the
// caller. The number of a tenant's streams is limited, see [peal.QuotaStreams], and each look is a
// turn of the processor.
func (c *call) stream(news func() ([]byte, error)) error {
	d := c.d
	leave, err := d.Engine.Stream(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	defer leave()
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("X-Accel-Buffering", "no") // keep a proxy from buffering
	answer := http.NewResponseController(c.w)
	send := func(text []byte) bool {
		_, err := c.w.Write(text)
		return err == nil && answer.Flush() == nil
	}
	if !send([]byte(": begun\n\n")) {
		return nil
	}
	c.turn.Patient()
	next := time.NewTimer(0)
	defer next.Stop()
	beat := time.NewTicker(d.beat)
	defer beat.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	for {
		select {
		case <-next.C:
			text, took, err := c.lookFor(news)
			if err != nil && err != errLast {
				if c.ctx().Err() == nil {
					d.log.Warn("a live page ends: what it shows could not be read", "error", err)
				}
				return nil
			}
			if len(text) > 0 && !(c.sameRights() && send(text)) || err == errLast {
				return nil
			}
			next.Reset(max(streamEvery, streamShare*took))
		case <-beat.C:
			if !send([]byte(": still here\n\n")) {
				return nil
			}
		case <-end.C:
			return nil
		case <-c.ctx().Done():
			return nil
		case <-d.stop:
			return nil
		}
	}
}

// lookFor calls news in a turn of the processor, and returns how long that took. Nothing is written
// during the turn, because the browser may read slowly.
func (c *call) lookFor(news func() ([]byte, error)) (text []byte, took time.Duration, err error) {
	defer c.turn.Leave()
	if err := c.turn.Enter(c.ctx()); err != nil {
		return nil, 0, err
	}
	c.now = c.d.Now().UTC()
	started := time.Now()
	text, err = news()
	return text, time.Since(started), err
}

// sameRights reports whether the page is still open to the caller with the same rights. A caller
// with other rights must open another stream.
func (c *call) sameRights() bool {
	before := c.who
	return c.recheck() == nil && reflect.DeepEqual(before, c.who)
}

// appendEvent appends a server-sent event. Each line of the data needs its own data field, because
// any line break ends a field.
func appendEvent(b *bytes.Buffer, name string, data []byte) {
	b.WriteString("event: " + name + "\n")
	data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		b.WriteString("data: ")
		b.Write(line)
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}
