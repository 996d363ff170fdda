package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// patterns compiles regular expressions for one program and caches the first few. It replaces the
// cache of the language, which keeps every expression as long as the program.
type patterns struct {
	mu   sync.Mutex
	kept map[string]*expression
	size int // instructions of all cached expressions
}

// The bounds of the cache of a program.
const (
	maxKeptPatterns = 8
	maxKeptSize     = 2 * maxRegexp
	maxPattern      = 8 << 10 // bytes of an expression
)

// expression is a compiled regular expression with its flags.
type expression struct {
	*pattern
	global bool
	// after matches one character and then the expression. jq reports an empty match directly after
	// another match, which the standard library omits.
	after *regexp.Regexp
}

// compile returns the expression for the arguments of a function, and the input as text.
func (p *patterns) compile(m *meter, name string, value, source, flags any) (*expression, string, error) {
	text, ok := value.(string)
	if !ok {
		return nil, "", fmt.Errorf("%s needs a string, not %s", name, kindOf(value))
	}
	re, ok := source.(string)
	if !ok {
		return nil, "", fmt.Errorf("%s needs a string as the regular expression, not %s", name, kindOf(source))
	}
	given := ""
	if flags != nil {
		if given, ok = flags.(string); !ok {
			return nil, "", fmt.Errorf("%s needs a string as flags, not %s", name, kindOf(flags))
		}
	}
	if strings.Trim(given, "gim") != "" {
		return nil, "", fmt.Errorf("unsupported regular expression flag: %.20q", given)
	}
	if err := m.pay(1 + (len(re)+len(given))/perUnit); err != nil {
		return nil, "", err
	}
	global := strings.Contains(given, "g")
	if strings.Contains(given, "i") {
		re = "(?i)" + re
	}
	if strings.Contains(given, "m") {
		re = "(?s)" + re
	}
	key := re
	if global {
		key = "g" + re
	} else {
		key = "-" + re
	}
	p.mu.Lock()
	found := p.kept[key]
	p.mu.Unlock()
	if found != nil {
		return found, text, nil
	}
	if len(re) > maxPattern {
		return nil, "", errRegexp
	}
	classes := strings.Count(re, `\p`) + strings.Count(re, `\P`)
	if err := m.pay(unitsPerByte*len(re) + unitsPerClass*classes); err != nil {
		return nil, "", err
	}
	size, err := patternSize(re)
	if err != nil {
		return nil, "", err
	}
	if err := m.pay(unitsPerInstruction * size); err != nil {
		return nil, "", err
	}
	compiled, err := compilePattern(re)
	if err != nil {
		return nil, "", err
	}
	found = &expression{pattern: compiled, global: global}
	if global {
		if err := m.pay(unitsPerByte*len(re) + unitsPerClass*classes + unitsPerInstruction*size); err != nil {
			return nil, "", err
		}
		found.after, _ = regexp.Compile(`\A(?s:.)(?:` + re + `)`) // nil on an error: no empty matches after others
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) < maxKeptPatterns && p.size+size <= maxKeptSize {
		if p.kept == nil {
			p.kept = make(map[string]*expression)
		}
		p.kept[key] = found
		p.size += size
	}
	return found, text, nil
}

// matches returns the positions of the matches in the form of package regexp.
func (e *expression) matches(m *meter, text string) ([][]int, error) {
	if err := m.pay(1 + len(text)/bytesPerStep*e.size); err != nil {
		return nil, err
	}
	captures := e.re.NumSubexp()
	if !e.global {
		found := e.re.FindStringSubmatchIndex(text)
		if found == nil {
			return nil, nil
		}
		return [][]int{found}, m.pay(unitsPerMatch + unitsPerCapture*captures)
	}
	if err := e.count(m, text); err != nil {
		return nil, err
	}
	found := e.re.FindAllStringSubmatchIndex(text, -1)
	if e.after == nil {
		return found, nil
	}
	all := make([][]int, 0, len(found))
	for i, place := range found {
		all = append(all, place)
		if place[0] == place[1] || i+1 < len(found) && found[i+1][0] == place[1] {
			continue
		}
		if err := m.look(); err != nil {
			return nil, err
		}
		if empty := e.emptyAt(text, place[1]); empty != nil {
			all = append(all, empty)
			if err := m.pay(unitsPerMatch + unitsPerCapture*captures); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// stopped is the panic value that ends a search.
type stopped struct{ err error }

// count pays for the matches before they are stored. Finding one may scan the rest of the text, so
// each pays for its time.
func (e *expression) count(m *meter, text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(stopped)
			if !ok {
				panic(r)
			}
			err = s.err
		}
	}()
	price, before := unitsPerMatch+unitsPerCapture*e.re.NumSubexp(), time.Now()
	e.re.ReplaceAllStringFunc(text, func(found string) string {
		now := time.Now()
		err := m.pay(price + len(found)/perUnit + int(now.Sub(before)/unitTime))
		before = now
		if err == nil {
			err = m.look()
		}
		if err != nil {
			panic(stopped{err})
		}
		return ""
	})
	return nil
}

// emptyAt returns the empty match at the end of another match, or nil.
func (e *expression) emptyAt(text string, at int) []int {
	_, width := utf8.DecodeLastRuneInString(text[:at])
	found := e.after.FindStringSubmatchIndex(text[at-width:])
	if found == nil || found[1] != width {
		return nil
	}
	place := make([]int, len(found))
	place[0], place[1] = at, at
	for i := 2; i < len(found); i++ {
		if place[i] = -1; found[i] >= 0 {
			place[i] = found[i] + at - width
		}
	}
	return place
}

// match returns the matches in the form of jq's match.
func (p *patterns) match(value any, args []any) any {
	m := args[2].(*meter)
	e, text, err := p.compile(m, "match", value, args[0], args[1])
	if err != nil {
		return err
	}
	places, err := e.matches(m, text)
	if err != nil {
		return err
	}
	names, counted := e.re.SubexpNames(), &runes{text: text}
	results := make([]any, len(places))
	for i, place := range places {
		start := counted.before(place[0])
		captures := make([]any, len(place)/2-1)
		within := &runes{text: text[place[0]:place[1]]}
		for j := 1; j < len(place)/2; j++ {
			capture := map[string]any{"name": nil, "offset": -1, "length": 0, "string": nil}
			if names[j] != "" {
				capture["name"] = names[j]
			}
			if from, to := place[2*j], place[2*j+1]; from >= 0 {
				if err := m.pay((place[1] - place[0]) / perUnit); err != nil {
					return err
				}
				capture["offset"] = start + within.before(from-place[0])
				capture["length"], capture["string"] = utf8.RuneCountInString(text[from:to]), text[from:to]
			}
			captures[j-1] = capture
		}
		results[i] = map[string]any{
			"offset": start, "length": utf8.RuneCountInString(text[place[0]:place[1]]), "string": text[place[0]:place[1]],
			"captures": captures,
		}
	}
	return results
}

// test reports whether there is a match.
func (p *patterns) test(value any, args []any) any {
	m := args[2].(*meter)
	e, text, err := p.compile(m, "test", value, args[0], args[1])
	if err != nil {
		return err
	}
	if err := m.pay(1 + len(text)/bytesPerStep*e.size); err != nil {
		return err
	}
	return e.re.MatchString(text)
}

// split returns the parts of the text around the matches.
func (p *patterns) split(value any, args []any) any {
	m := args[2].(*meter)
	flags := args[1]
	switch given := flags.(type) {
	case nil:
		flags = "g"
	case string:
		flags = given + "g"
	}
	e, text, err := p.compile(m, "split", value, args[0], flags)
	if err != nil {
		return err
	}
	places, err := e.matches(m, text)
	if err != nil {
		return err
	}
	results, from := make([]any, 0, len(places)+1), 0
	for _, place := range places {
		results = append(results, text[from:max(from, place[0])])
		from = place[1]
	}
	return append(results, text[from:])
}

// splice replaces matches with texts. Its arguments are the matches and, for each match, an array
// of texts. There is one result for each index of these arrays.
func splice(value any, args []any) any {
	text, m := value.(string), args[2].(*meter)
	matches, rows := args[0].([]any), args[1].([]any)
	var results []*strings.Builder
	counted, next := &runes{text: text}, 0
	for i, row := range rows {
		match := matches[i].(map[string]any)
		start := counted.offset(match["offset"].(int))
		end := start + len(match["string"].(string))
		for j, given := range row.([]any) {
			inserted, ok := given.(string)
			if !ok && given != nil {
				return fmt.Errorf("cannot put %s into a string", kindOf(given))
			}
			if j == len(results) {
				results = append(results, &strings.Builder{})
			}
			before := text[min(next, start):start]
			if err := m.pay(8 + 4*(len(before)+len(inserted))/perUnit); err != nil {
				return err
			}
			results[j].WriteString(before)
			results[j].WriteString(inserted)
		}
		next = end
	}
	if len(results) == 0 {
		return []any{text}
	}
	made := make([]any, len(results))
	for i, result := range results {
		if err := m.pay(8 + (result.Len()+len(text)-next)/bytesPerUnit); err != nil {
			return err
		}
		made[i] = result.String() + text[next:]
	}
	return made
}

// runes counts the characters of a text incrementally.
type runes struct {
	text        string
	bytes, seen int // current position in bytes and in characters
}

// before returns the number of characters before a byte offset.
func (r *runes) before(at int) int {
	if at < r.bytes {
		r.bytes, r.seen = 0, 0
	}
	r.seen += utf8.RuneCountInString(r.text[r.bytes:at])
	r.bytes = at
	return r.seen
}

// offset returns the byte offset of a character.
func (r *runes) offset(character int) int {
	for r.seen < character && r.bytes < len(r.text) {
		_, width := utf8.DecodeRuneInString(r.text[r.bytes:])
		r.bytes += width
		r.seen++
	}
	return r.bytes
}

// The bounds of a regular expression: matching costs up to instructions × bytes.
const (
	maxRegexp      = 1000    // instructions
	maxRegexpRunes = 100_000 // bounds of ranges in all its classes
	regexpBytes    = 120     // of memory for an instruction
	regexpText     = 16      // of memory for a byte of its text
)

var errRegexp = errors.New("the regular expression is too large: repeat less in it")

// pattern is a compiled regular expression.
type pattern struct {
	re    *regexp.Regexp
	size  int // instructions
	bytes int // approximate size in memory
}

// patternSize returns an estimate of the instructions of a regular expression with expanded
// repetitions. It rejects one that is too large before expanding it.
func patternSize(text string) (int, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	size := repeated(parsed)
	if size > 4*maxRegexp {
		return 0, errRegexp
	}
	return size, nil
}

func repeated(re *syntax.Regexp) int {
	size := 1
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size = min(size+repeated(sub)+1, maxRegexpRunes)
	}
	if re.Op == syntax.OpRepeat {
		size = min(size*max(re.Min+1, re.Max), maxRegexpRunes)
	}
	return size
}

func compilePattern(text string) (*pattern, error) {
	if _, err := patternSize(text); err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	runes := 0
	for i := range program.Inst {
		runes += len(program.Inst[i].Rune)
	}
	if len(program.Inst) > maxRegexp || runes > maxRegexpRunes {
		return nil, errRegexp
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &pattern{re: re, size: len(program.Inst), bytes: regexpBytes*len(program.Inst) + 8*runes + regexpText*len(text)}, nil
}
