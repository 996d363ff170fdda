package dashboard

import (
	"fmt"
	"html/template"
	"strings"
	"text/template/parse"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// Visible is what a page shows of somebody's text.
func Visible(text any) string { return string(visible(text).Text) }

// ColouredJSON is the same for what may be JSON.
func ColouredJSON(text any) string { return string(colourJSON(text).Text) }

// BeatAfter sets how long a live page is silent at most.
func (d *Dashboard) BeatAfter(silence time.Duration) { d.beat = silence }

// Patterns returns the patterns of all that is served.
func (d *Dashboard) Patterns() []string { return d.patterns }

// FaultIn returns the message of an error in a language.
func FaultIn(language string, e *peal.Error) (string, error) {
	languages, err := loadTexts()
	if err != nil {
		return "", err
	}
	return languages[language].fault(e), nil
}

// Figures are the texts of numbers in a language.
type Figures struct{ t *texts }

// FiguresIn returns the figures of a language.
func FiguresIn(language string) (Figures, error) {
	languages, err := loadTexts()
	return Figures{languages[language]}, err
}

func (f Figures) Percent(part float64) string                { return f.t.percent(part) }
func (f Figures) Duration(d time.Duration) string            { return f.t.duration(d) }
func (f Figures) Latency(class peal.LatencyRange) string     { return f.t.latency(class) }
func (f Figures) Success(counts *peal.DeliveryCounts) string { return f.t.success(counts) }

// Verdicts are the sentences of a language about states.
type Verdicts struct{ t *texts }

// VerdictsIn returns the sentences of a language.
func VerdictsIn(language string) (Verdicts, error) {
	languages, err := loadTexts()
	return Verdicts{languages[language]}, err
}

// Webhook returns all that is said of a webhook.
func (v Verdicts) Webhook(w *peal.Webhook, a peal.WebhookActivity, lane dispatch.Lane, now time.Time) []string {
	f := &webhookFacts{Webhook: w, Activity: a, Lane: lane, Now: now}
	return []string{v.t.webhookPill(w, a.Pending).Word, v.t.health(f), v.t.sending(f), v.t.waits(f)}
}

// Delivery returns all that is said of a delivery.
func (v Verdicts) Delivery(d *peal.Delivery, w *peal.Webhook, hold dispatch.Hold, lane dispatch.Lane, now time.Time) []string {
	f := &deliveryFacts{Delivery: d, Webhook: w, Hold: hold, Lane: lane, Now: now}
	return []string{v.t.deliveryPill(d.Status).Word, v.t.standing(f), v.t.tried(d), v.t.why(w, d)}
}

// Attempt returns all that is said of an attempt.
func (v Verdicts) Attempt(a *peal.Attempt) []string {
	said := []string{v.t.attemptPill(a).Word, v.t.ofAttempt(a), v.t.testResult(a)}
	if !a.Succeeded() {
		p := v.t.problem(&peal.Webhook{URL: "https://hooks.example/in"}, &peal.WebhookProblem{Reason: a.Reason, StatusCode: a.StatusCode})
		said = append(said, p.Title, p.Remedy)
	}
	return said
}

// NoProblems returns what is said where no problem is shown.
func (v Verdicts) NoProblems(counts *peal.DeliveryCounts, failing, looked int) string {
	return v.t.noProblems(counts, failing, looked)
}

// Backlog returns what is said of what is pending.
func (v Verdicts) Backlog(b *peal.DeliveryBacklog, now time.Time) string { return v.t.backlog(b, now) }

// Mark adds the language xx, in which every text that the files hold stands in ⟦⟧.
func (d *Dashboard) Mark() error {
	languages, err := loadTexts()
	if err != nil {
		return err
	}
	marked := &texts{language: "xx", all: map[string]string{}}
	for key, text := range languages[fallback].all {
		if key != "format.thousands" && key != "format.decimal" && !strings.HasPrefix(key, "error.field") {
			text = "⟦" + text + "⟧"
		}
		marked.all[key] = text
	}
	for key, text := range languages["de"].all { // English has its messages in the code
		if strings.HasPrefix(key, messagesUnder) {
			marked.all[key] = "⟦" + text + "⟧"
		}
	}
	languages["xx"] = marked
	d.pages = newPages(languages)
	return nil
}

// CheckPages parses every page in every language, and checks that each text that one asks
// for by name is there.
func CheckPages() error {
	languages, err := loadTexts()
	if err != nil {
		return err
	}
	files, err := pageFiles.ReadDir("templates/pages")
	if err != nil {
		return err
	}
	p := newPages(languages)
	for language, t := range languages {
		for _, file := range files {
			set, err := p.set(language, strings.TrimSuffix(file.Name(), ".html"))
			if err != nil {
				return err
			}
			if err := checkKeys(set, t); err != nil {
				return fmt.Errorf("template %s: %w", file.Name(), err)
			}
		}
	}
	return nil
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
