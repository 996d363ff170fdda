package dashboard

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"time"
)

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
