// Prose lists candidates for plainer English: places in comments, messages, page texts and
// documents that match the rules of rules.txt, and how many there are.
//
// Usage: prose [-root DIRECTORY] [PATH PREFIX …]
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

//go:embed rules.txt
var rulesText string

func main() {
	root := flag.String("root", ".", "the directory to read")
	flag.Parse()
	if err := run(*root, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(1)
	}
}

func run(root string, prefixes []string) error {
	rules, err := parseRules(rulesText)
	if err != nil {
		return err
	}
	found, err := search(root, rules)
	if err != nil {
		return err
	}
	if len(prefixes) > 0 {
		found = slices.DeleteFunc(found, func(c candidate) bool {
			return !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c.file, p) })
		})
	}
	for _, c := range found {
		fmt.Printf("%s:%d: %s: %q; %s\n", c.file, c.line, c.rule.name, c.text, c.rule.instead)
	}
	fmt.Println()
	table("rule", found, func(c candidate) string { return c.rule.class + ": " + c.rule.name })
	table("package or directory", counted(found), func(c candidate) string { return filepath.Dir(c.file) })
	return nil
}

// table prints the number of candidates by group and scope.
func table(title string, found []candidate, group func(candidate) string) {
	counts := make(map[string]map[string]int)
	for _, c := range found {
		g := group(c)
		if counts[g] == nil {
			counts[g] = make(map[string]int)
		}
		counts[g][c.scope]++
		counts[g][""]++
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	total := make(map[string]int)
	row := func(name string, by map[string]int) {
		for _, scope := range scopes {
			fmt.Fprintf(w, "%d\t", by[scope])
		}
		fmt.Fprintf(w, "%d\t %s\n", by[""], name)
	}
	fmt.Fprintf(w, "%s\ttotal\t by %s\n", strings.Join(scopes, "\t"), title)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		row(name, counts[name])
		for scope, n := range counts[name] {
			total[scope] += n
		}
	}
	row("all", total)
	w.Flush()
	fmt.Println()
}

// counted returns the candidates of rules that count.
func counted(found []candidate) []candidate {
	var list []candidate
	for _, c := range found {
		if c.rule.class == "count" {
			list = append(list, c)
		}
	}
	return list
}
