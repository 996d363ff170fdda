package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

//go:embed templates/pages/*.html
var pageFiles embed.FS

// pages holds all templates in all languages. Each is parsed when it is first shown: all parsed
// templates would be a third of an idle server's memory.
type pages struct {
	texts map[string]*texts

	mu    sync.Mutex
	bases map[string]*template.Template // the shared ones by language; never executed
	sets  map[pageKey]*template.Template
}

// pageKey identifies a page in a language. The page "" has only the shared templates.
type pageKey struct{ language, name string }

// shared are the templates that every page may use.
var shared = []string{"templates/pages/frame.html", "templates/pages/plain.html", "templates/pages/parts.html", "templates/pages/delivery_parts.html"}

func newPages(languages map[string]*texts) *pages {
	return &pages{texts: languages, bases: map[string]*template.Template{}, sets: map[pageKey]*template.Template{}}
}

// set returns the templates of a page in a language.
func (p *pages) set(language, name string) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := pageKey{language, name}
	if set := p.sets[key]; set != nil {
		return set, nil
	}
	base := p.bases[language]
	if base == nil {
		var err error
		if base, err = template.New("").Funcs(p.texts[language].functions()).ParseFS(pageFiles, shared...); err != nil {
			return nil, err
		}
		p.bases[language] = base
	}
	set, err := base.Clone()
	if err == nil && name != "" {
		set, err = set.ParseFS(pageFiles, "templates/pages/"+name+".html")
	}
	if err != nil {
		return nil, fmt.Errorf("parse the page %s: %w", name, err)
	}
	p.sets[key] = set
	return set, nil
}

// functions returns the functions of templates, in a language.
func (t *texts) functions() template.FuncMap {
	return template.FuncMap{
		"t": t.get, "tn": t.count, "number": t.number, "percent": t.percent, "duration": t.duration, "size": t.size, "bytes": func(n int64) string { return t.size(int(n)) },
		"target": target, "called": called, "timed": timed, "full": func(at time.Time) template.HTML { return timeElement(at, asFull, "") },
		"short": func(at time.Time) template.HTML { return timeElement(at, asShort, "") }, "clock": func(at time.Time) template.HTML { return timeElement(at, asClock, "") },
		"left":  func(at time.Time) template.HTML { return timeElement(at, asLeft, "") },
		"since": func(at time.Time, text string) template.HTML { return timeElement(at, asAgo, text) }, "visible": visible, "json": colourJSON, "list": list,
		"iso":    iso,
		"join":   func(items []string) string { return strings.Join(items, ", ") },
		"lang":   func() string { return t.language },
		"status": t.deliveryPill,
		"reason": func(reason peal.Reason) string { return t.get("reason." + string(reason)) },
		"remedy": func(reason peal.Reason) string { return t.get("remedy." + string(reason)) },
		"pct":    func(part float64) int { return int(part * 100) },
	}
}

// list returns its arguments as a list, for templates that need more than one.
func list(items ...any) []any { return items }

// page is the dot of every page's template.
type page struct {
	*frame
	Data any
}

// show renders a page in its frame.
func (c *call) page(name, title string, data any) error {
	return c.answer(200, name, title, data)
}

func (c *call) answer(status int, name, title string, data any) error {
	frame, err := c.frame(name, title)
	if err != nil {
		return err
	}
	return c.render(status, name, "frame", page{frame, data})
}

// part renders a single template, for htmx.
func (c *call) part(name string, data any) error { return c.partWith(200, name, data) }

func (c *call) partWith(status int, name string, data any) error {
	frame, err := c.frame("", "")
	if err != nil {
		return err
	}
	return c.render(status, "", name, page{frame, data})
}

// render renders into memory first, so that a failing template never shows half a page.
func (c *call) render(status int, page, name string, data any) error {
	set, err := c.d.pages.set(c.texts.language, page)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	text := c.placed(b.Bytes())
	c.turn.Leave() // the client may read slowly
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, err = c.w.Write(text)
	if err != nil && c.ctx().Err() == nil {
		c.d.log.Debug("a page could not be sent", "error", err)
	}
	return nil
}
