package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var scopes = []string{"comments", "tests", "messages", "pages", "docs"}

// rule is a line of rules.txt.
type rule struct {
	name, class     string
	scopes          []string
	pattern, except *regexp.Regexp // except is nil for none
	instead         string
}

func parseRules(text string) ([]*rule, error) {
	var rules []*rule
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		// A pattern has "|" too, but with no space beside it.
		fields := strings.Split(line, " | ")
		if len(fields) != 6 {
			return nil, fmt.Errorf("rules.txt:%d: has %d fields, must have 6", number, len(fields))
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		r := &rule{name: fields[0], class: fields[1], scopes: strings.Fields(fields[2]), instead: fields[5]}
		if r.class != "count" && r.class != "look" {
			return nil, fmt.Errorf("rules.txt:%d: the class must be count or look", number)
		}
		if fields[2] == "*" {
			r.scopes = scopes
		}
		for _, scope := range r.scopes {
			if !slices.Contains(scopes, scope) {
				return nil, fmt.Errorf("rules.txt:%d: the scope %s is unknown", number, scope)
			}
		}
		var err error
		if r.pattern, err = compile(fields[3]); err != nil {
			return nil, fmt.Errorf("rules.txt:%d: %w", number, err)
		}
		if fields[4] != "-" {
			if r.except, err = compile(fields[4]); err != nil {
				return nil, fmt.Errorf("rules.txt:%d: %w", number, err)
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile("(?i)" + strings.ReplaceAll(pattern, " ", `\s+`))
}

// candidate is a place that matches a rule.
type candidate struct {
	file  string
	line  int
	scope string
	rule  *rule
	text  string
}

// match returns the candidates of a passage.
func (p passage) match(rules []*rule) []candidate {
	var found []candidate
	for _, r := range rules {
		if !slices.Contains(r.scopes, p.scope) {
			continue
		}
		for _, at := range r.pattern.FindAllStringIndex(p.text, -1) {
			if r.except != nil {
				// The exception may reach beyond the match.
				if e := r.except.FindStringIndex(p.text[at[0]:]); e != nil && e[0] == 0 {
					continue
				}
			}
			text := strings.Join(strings.Fields(p.text[at[0]:at[1]]), " ")
			line := p.line + strings.Count(p.text[:at[0]], "\n")
			found = append(found, candidate{p.file, line, p.scope, r, text})
		}
	}
	return found
}
