package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"text/template/parse"
	"time"

	"github.com/pealhq/peal"
)

//go:embed templates/pages/*.html
var pageFiles embed.FS

// pages are all templates in all languages.
type pages struct {
	texts map[string]*texts
	// sets has for each language a template set for each page; "" is that of the parts.
	sets map[string]map[string]*template.Template
}

// shared are the templates that every page may use.
var shared = []string{"templates/pages/frame.html", "templates/pages/plain.html", "templates/pages/parts.html", "templates/pages/delivery_parts.html"}

// parsePages parses every page in every language, and checks that each text that a
// template asks for by name is there.
func parsePages() (*pages, error) {
	languages, err := loadTexts()
	if err != nil {
		return nil, err
	}
	return parseFor(languages)
}

func parseFor(languages map[string]*texts) (*pages, error) {
	files, err := pageFiles.ReadDir("templates/pages")
	if err != nil {
		return nil, err
	}
	p := &pages{texts: languages, sets: map[string]map[string]*template.Template{}}
	for language, t := range languages {
		base, err := template.New("").Funcs(t.functions()).ParseFS(pageFiles, shared...)
		if err != nil {
			return nil, err
		}
		sets := map[string]*template.Template{"": base}
		for _, file := range files {
			name := strings.TrimSuffix(file.Name(), ".html")
			set, err := template.Must(base.Clone()).ParseFS(pageFiles, "templates/pages/"+file.Name())
			if err != nil {
				return nil, err
			}
			sets[name] = set
			if err := checkKeys(set, t); err != nil {
				return nil, fmt.Errorf("template %s: %w", file.Name(), err)
			}
		}
		p.sets[language] = sets
	}
	return p, nil
}

// checkKeys looks at every text that a template asks for.
func checkKeys(set *template.Template, t *texts) error {
	for _, one := range set.Templates() {
		if one.Tree == nil || one.Tree.Root == nil {
			continue
		}
		for _, key := range keysOf(one.Tree.Root) {
			if !t.has(key) {
				return fmt.Errorf("texts/%s.yaml has no %s", t.language, key)
			}
		}
	}
	return nil
}

// keysOf collects the constant keys of t and tn in a template.
func keysOf(node parse.Node) (keys []string) {
	each := func(nodes ...parse.Node) {
		for _, n := range nodes {
			keys = append(keys, keysOf(n)...)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			each(n.Nodes...)
		}
	case *parse.ActionNode:
		each(n.Pipe)
	case *parse.TemplateNode:
		each(n.Pipe)
	case *parse.IfNode:
		each(n.Pipe, n.List, n.ElseList)
	case *parse.RangeNode:
		each(n.Pipe, n.List, n.ElseList)
	case *parse.WithNode:
		each(n.Pipe, n.List, n.ElseList)
	case *parse.PipeNode:
		if n != nil {
			for _, c := range n.Cmds {
				each(c)
			}
		}
	case *parse.CommandNode:
		name, ok := n.Args[0].(*parse.IdentifierNode)
		if ok && len(n.Args) > 1 {
			if key, isText := n.Args[1].(*parse.StringNode); isText && name.Ident == "t" {
				keys = append(keys, key.Text)
			} else if isText && name.Ident == "tn" {
				keys = append(keys, key.Text+".one", key.Text+".other")
			}
		}
		each(n.Args...)
	}
	return keys
}

// functions are what templates can call, in a language.
func (t *texts) functions() template.FuncMap {
	return template.FuncMap{
		"t": t.get, "tn": t.count, "number": t.number, "percent": t.percent, "duration": t.duration, "size": t.size, "bytes": func(n int64) string { return t.size(int(n)) },
		"target": target, "host": host, "exact": exact, "visible": visible, "json": colourJSON, "list": list,
		"iso":    func(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) },
		"left":   func(at time.Time) string { return countdown(at, time.Now()) },
		"clock":  func(at time.Time) string { return at.UTC().Format("15:04:05") },
		"join":   func(items []string) string { return strings.Join(items, ", ") },
		"lang":   func() string { return t.language },
		"status": t.deliveryPill,
		"reason": func(reason peal.Reason) string { return t.get("reason." + string(reason)) },
		"remedy": func(reason peal.Reason) string { return t.get("remedy." + string(reason)) },
		"pct":    func(part float64) int { return int(part * 100) },
	}
}

// list makes a list of its arguments, for templates that need more than one.
func list(items ...any) []any { return items }

// page is what every page's template gets.
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
	return c.render(status, c.d.pages.sets[c.texts.language][name], "frame", page{frame, data})
}

// part renders a template alone, for htmx.
func (c *call) part(name string, data any) error { return c.partWith(200, name, data) }

func (c *call) partWith(status int, name string, data any) error {
	frame, err := c.frame("", "")
	if err != nil {
		return err
	}
	return c.render(status, c.d.pages.sets[c.texts.language][""], name, page{frame, data})
}

// render renders into memory first, so that a template that fails shows nothing half.
func (c *call) render(status int, set *template.Template, name string, data any) error {
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, err := c.w.Write(c.placed(b.Bytes()))
	if err != nil && c.ctx().Err() == nil {
		c.d.log.Debug("a page could not be sent", "error", err)
	}
	return nil
}
