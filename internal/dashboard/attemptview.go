package dashboard

import (
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// attemptView is an attempt as a page shows it.
type attemptView struct {
	peal.Attempt
	Pill     pill
	What     string // in a few words
	Path     string // of the URL, with its query
	Body     []byte // of the request; nil if it cannot be reconstructed
	Another  bool   // the body differs in length from the one that was sent
	Falls    []fall
	Total    string
	Chosen   bool
	Response []byte
}

// fall is a step of an attempt in the waterfall, from and wide in parts of a thousand.
type fall struct {
	Name, Time  string
	From, Width string
	Class       string
}

func (c *call) attemptView(a *peal.Attempt) attemptView {
	v := attemptView{Attempt: *a, Path: pathOf(a.URL), Total: c.texts.duration(a.Timing.Total), Response: a.ResponseBody}
	v.Address = a.AddressFor(c.who.IsOperator())
	v.Pill = c.texts.attemptPill(a)
	v.What = v.Total
	if a.StatusCode == 0 {
		v.What = c.texts.get("reason." + string(a.Reason))
	}
	v.Falls = c.texts.falls(a)
	return v
}

func (t *texts) attemptPill(a *peal.Attempt) pill {
	switch {
	case a.Succeeded():
		return pill{strconv.Itoa(a.StatusCode), "ok"}
	case a.Reason == peal.ReasonCanceled:
		return pill{t.get("reason.canceled"), "held"}
	case a.StatusCode != 0:
		return pill{strconv.Itoa(a.StatusCode), "bad"}
	}
	return pill{t.get("reason." + string(a.Reason)), "bad"}
}

// falls returns the steps of an attempt in a row. The last one is the remaining time, such as that
// of the response's body.
func (t *texts) falls(a *peal.Attempt) []fall {
	steps := []struct {
		name string
		took time.Duration
	}{
		{"dns", a.Timing.DNS}, {"connect", a.Timing.Connect}, {"tls", a.Timing.TLS}, {"first_byte", a.Timing.FirstByte},
	}
	whole := a.Timing.Wait + a.Timing.Total
	if whole <= 0 {
		return nil
	}
	part := func(d time.Duration) float64 { return 1000 * float64(d) / float64(whole) }
	falls := []fall{{Name: t.get("fall.wait"), Time: t.duration(a.Timing.Wait), From: "0", Width: coordinate(max(6, part(a.Timing.Wait))), Class: "h"}}
	at := a.Timing.Wait
	for _, s := range steps {
		if s.took <= 0 {
			continue
		}
		falls = append(falls, fall{Name: t.get("fall." + s.name), Time: t.duration(s.took), From: coordinate(min(994, part(at))), Width: coordinate(max(6, part(s.took)))})
		at += s.took
	}
	if rest := whole - at; rest > 0 {
		name := "fall.body"
		if !a.Succeeded() && a.StatusCode == 0 {
			name = "fall.waiting"
		}
		falls = append(falls, fall{Name: t.get(name), Time: t.duration(rest), From: coordinate(min(994, part(at))), Width: coordinate(max(6, part(rest)))})
	}
	if !a.Succeeded() {
		falls[len(falls)-1].Class = "x"
	}
	return falls
}

// bodyOf reconstructs the body of a request, because attempts keep only its length; nil if that is
// not possible any more.
func (c *call) bodyOf(w *peal.Webhook, event *peal.Event) []byte {
	copied := *w
	previews, err := c.d.Engine.Preview(c.ctx(), &copied, dispatch.PreviewChoice{Event: event})
	if err != nil || len(previews) == 0 || previews[0].Error != nil {
		return nil
	}
	return previews[0].Body
}

// curl returns an attempt's request as a command line.
func (v *attemptView) curl() string {
	var b strings.Builder
	b.WriteString("curl -sS -i -X POST " + quoted(v.URL))
	for _, field := range v.RequestHead.Fields() {
		switch strings.ToLower(field[0]) {
		case "content-length", "host", "accept-encoding":
			continue
		}
		b.WriteString(" \\\n  -H " + quoted(field[0]+": "+field[1]))
	}
	return b.String() + " \\\n  --data-binary " + quoted(string(v.Body))
}

// quoted returns text quoted as one word for a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
