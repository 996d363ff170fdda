package configstore

import (
	"regexp"
	"strings"
	"sync"
)

// Dialect rewrites the texts of this package for one database. They are written so:
//
//   - A table is peal.users; SQLite has no schema.
//   - A value is ?1, ?2, …; PostgreSQL's are $1, $2, …. A limit is +?1: SQLite would prepare a
//     statement with a bare LIMIT ?1 again for each value.
//   - A time that may be missing is compared with {none} and {some}: NULL in SQLite, 0 in
//     PostgreSQL. See [OptionalTime].
//   - A part in square brackets is for PostgreSQL alone, mostly locks of rows: in SQLite there
//     is one writer.
//   - greatest(…) and instr(…) have other names in one of the two.
type Dialect struct {
	words *strings.Replacer
	only  *regexp.Regexp // parts that are left out
	texts sync.Map       // by the text as it is written; there are few
}

// SQLite returns the dialect of SQLite.
func SQLite() *Dialect {
	return &Dialect{
		words: strings.NewReplacer("peal.", "", "{none}", "IS NULL", "{some}", "IS NOT NULL", "greatest(", "max("),
		only:  regexp.MustCompile(`\[[^\]]*\]`),
	}
}

// PostgreSQL returns the dialect of PostgreSQL with the tables in a schema.
func PostgreSQL(schema string) *Dialect {
	return &Dialect{words: strings.NewReplacer("peal.", schema+".", "{none}", "= 0", "{some}", "> 0",
		"+?", "$", "?", "$", "instr(", "strpos(", "[", "", "]", "")}
}

// Text returns a text in the dialect.
func (d *Dialect) Text(text string) string {
	if known, ok := d.texts.Load(text); ok {
		return known.(string)
	}
	rewritten := text
	if d.only != nil {
		rewritten = d.only.ReplaceAllString(rewritten, "")
	}
	rewritten = d.words.Replace(rewritten)
	d.texts.Store(text, rewritten)
	return rewritten
}
